"""The server of OCPI: what partners call. Routers of FastAPI; the work is done by the models."""

from .routers import ocpi_routers
from .slash import WithoutTrailingSlash

__all__ = ["WithoutTrailingSlash", "ocpi_routers"]
