from . import collection_export, return_import
