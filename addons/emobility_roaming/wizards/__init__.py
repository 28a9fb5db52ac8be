from . import location_export, location_import
