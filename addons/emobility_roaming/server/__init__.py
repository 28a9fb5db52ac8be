"""The server of OCPI: what partners call. Routers of FastAPI; the work is done by the models."""

from .addresses import Addresses
from .routers import ocpi_routers

__all__ = ["Addresses", "ocpi_routers"]
