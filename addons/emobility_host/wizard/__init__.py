from . import datev_export
