"""A charging station for demonstrations and tests, built on the `ocpp` client library."""

from .plan import SessionPlan
from .station import Simulator, StationSettings

__all__ = ["SessionPlan", "Simulator", "StationSettings"]
