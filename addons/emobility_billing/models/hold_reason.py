"""The reasons for which the gate may hold a session, and how grave they are."""

NOTE = "0_note"
WARNING = "1_warning"
ERROR = "2_error"
SEVERITIES = [(NOTE, "Note"), (WARNING, "Doubt"), (ERROR, "Blocking")]
REASONS = [
    ("missing_start", "Start not known"),
    ("missing_end", "End not known"),
    ("end_before_start", "Ends before it starts"),
    ("implausible_time", "Time in the future or before charging stations existed"),
    ("zombie", "Far too long"),
    ("amount_cap", "Costs more than the cap"),
    ("register_decrease", "Meter register going back"),
    ("register_jump", "Meter register jumping"),
    ("no_energy", "No meter reading"),
    ("negative_energy", "Negative energy"),
    ("zero_energy", "No energy delivered"),
    ("energy_mismatch", "Reported energy differs from the register"),
    ("implausible_energy", "More energy than the connector can deliver"),
    ("micro_session", "Very short and very little"),
    ("duplicate", "The same session again"),
    ("overlap", "Overlaps another session on the connector"),
    ("continuation", "Goes on with the session before it"),
    ("too_old", "Reported too late"),
    ("signature_missing", "Signed meter values are missing"),
    ("signature_wrong", "Signature of the meter is wrong"),
    ("calibration_expired", "Calibration of the meter has expired"),
    ("uncertified_clock", "Priced by a clock that is not certified"),
    ("unknown_evse", "Charging point not known"),
    ("unauthorised_token", "Token was not authorised"),
    ("missing_payer", "Nobody to pay"),
    ("missing_tariff", "No tariff applies"),
    ("conflict", "Contradicting reports"),
    ("late_change", "Data changed after the CDR"),
    ("rating_error", "Cannot be priced"),
]
# Without these facts there is nothing that could be billed: such a hold is repaired or written off.
NOT_ACCEPTABLE = frozenset(
    {
        "missing_start",
        "missing_end",
        "end_before_start",
        "no_energy",
        "negative_energy",
        "unknown_evse",
        "missing_payer",
        "missing_tariff",
        "rating_error",
    }
)
