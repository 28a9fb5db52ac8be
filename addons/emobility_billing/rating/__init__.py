"""The tariff engine: prices a charging session under a tariff, and says why.

Pure Python: no Odoo, no I/O, no clock of its own. Energy and money are ``Decimal``, instants are aware UTC
datetimes, local rules (time of day, weekday, date) are evaluated in the time zone of the location. The shape
of a tariff is OCPI 2.2.1's (module Tariffs), with two additions that OCPI cannot express (``min_parking``,
``max_parking``). Choices that OCPI leaves open are fields of :class:`Policy`.
"""

from .engine import rate
from .errors import FactsError, RatingError, TariffError
from .facts import ChargingState, Reading, SessionFacts, StateChange, facts_from_json, facts_to_json
from .periods import ActivePrice, Activity, Period, build_periods
from .policy import OvernightDay, Policy, StepSize
from .result import Line, Rating
from .tariff import Dimension, PriceComponent, Restrictions, Tariff, TariffElement, Weekday
from .wording import tariff_sentences

__all__ = [
    "ActivePrice",
    "Activity",
    "ChargingState",
    "Dimension",
    "FactsError",
    "Line",
    "OvernightDay",
    "Period",
    "Policy",
    "PriceComponent",
    "Rating",
    "RatingError",
    "Reading",
    "Restrictions",
    "SessionFacts",
    "StateChange",
    "StepSize",
    "Tariff",
    "TariffElement",
    "TariffError",
    "Weekday",
    "build_periods",
    "facts_from_json",
    "facts_to_json",
    "rate",
    "tariff_sentences",
]
