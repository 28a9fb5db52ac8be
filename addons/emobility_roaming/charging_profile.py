"""Limits of the power: between the words of OCPI and those of the stations. No ORM."""

from __future__ import annotations

from datetime import UTC, datetime

from odoo.addons.emobility_billing.charging_schedule import ChargingSchedule

from .ocpi.v221 import ActiveChargingProfile, ChargingProfile, ChargingProfilePeriod


def schedule_of(profile: ChargingProfile) -> ChargingSchedule:
    """What a station shall do. :raises ValueError: when the profile limits nothing, or in no order"""
    periods = [(period.start_period, float(period.limit)) for period in profile.charging_profile_period or ()]
    if profile.charging_rate_unit not in ("W", "A"):
        raise ValueError(f"The unit {profile.charging_rate_unit} is not known.")
    if not periods or periods[0][0] != 0 or periods != sorted(periods):
        raise ValueError("The periods of a charging profile begin with 0 and are in order.")
    return ChargingSchedule(
        profile.charging_rate_unit,
        tuple(periods),
        start=profile.start_date_time,
        duration=profile.duration,
        minimum=None if profile.min_charging_rate is None else float(profile.min_charging_rate),
    )


def profile_of(schedule: ChargingSchedule) -> ChargingProfile:
    """The same in the words of OCPI."""
    return ChargingProfile.model_validate(
        {
            "start_date_time": schedule.start,
            "duration": schedule.duration,
            "charging_rate_unit": schedule.unit,
            "min_charging_rate": schedule.minimum,
            "charging_profile_period": [
                ChargingProfilePeriod.model_validate({"start_period": start, "limit": limit})
                for start, limit in schedule.periods
            ],
        }
    )


def active_profile(schedule: ChargingSchedule, now: datetime) -> ActiveChargingProfile:
    """What a station has planned. ``now``, naive UTC, counts where the station does not say from when on."""
    start = schedule.start or now.replace(tzinfo=UTC)
    return ActiveChargingProfile(start_date_time=start, charging_profile=profile_of(schedule))
