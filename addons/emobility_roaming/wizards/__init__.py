from . import location_export, location_import, ocpi_accept, ocpi_invite
