from . import ocpi_download
