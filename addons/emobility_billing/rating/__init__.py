"""The tariff engine: prices a charging session under a tariff, and says why.

Pure Python: no Odoo, no I/O, no clock of its own. Energy and money are ``Decimal``, instants are aware UTC
datetimes, local rules (time of day, weekday, date) are evaluated in the time zone of the location. A tariff has
the shape of OCPI's and more (`terms`). Choices that OCPI leaves open are fields of :class:`Policy`.

Two ways in: :func:`rate` prices a session from its facts under one of our tariffs; :func:`rate_ocpi` prices the
charging periods of an OCPI CDR under an OCPI tariff. Both give the same for the same periods, and a test holds
them to it.
"""

from .cdr_wording import cdr_sentences
from .engine import rate
from .errors import FactsError, InputError, RatingError, TariffError
from .facts import ChargingState, Reading, SessionFacts, StateChange, facts_from_json, facts_to_json
from .ocpi_export import to_ocpi
from .ocpi_import import from_ocpi
from .ocpi_rating import rate_ocpi
from .ocpp_export import to_ocpp
from .periods import ActivePrice, Activity, Period, build_periods
from .policy import OvernightDay, Policy, StepSize
from .result import Line, Rating
from .settlement import Priced
from .tariff import Dimension, PriceComponent, Reservation, Restrictions, Tariff, TariffElement, Weekday
from .tariff_lint import Context, Finding, Severity, lint, lint_ocpi
from .terms import Grace, IdleFee, Month, SpotPrice, SpotSeries
from .wording import tariff_sentences

__all__ = [
    "ActivePrice",
    "Activity",
    "ChargingState",
    "Context",
    "Dimension",
    "FactsError",
    "Finding",
    "Grace",
    "IdleFee",
    "InputError",
    "Line",
    "Month",
    "OvernightDay",
    "Period",
    "Policy",
    "PriceComponent",
    "Priced",
    "Rating",
    "RatingError",
    "Reading",
    "Reservation",
    "Restrictions",
    "SessionFacts",
    "Severity",
    "SpotPrice",
    "SpotSeries",
    "StateChange",
    "StepSize",
    "Tariff",
    "TariffElement",
    "TariffError",
    "Weekday",
    "build_periods",
    "cdr_sentences",
    "facts_from_json",
    "facts_to_json",
    "from_ocpi",
    "lint",
    "lint_ocpi",
    "rate",
    "rate_ocpi",
    "tariff_sentences",
    "to_ocpi",
    "to_ocpp",
]
