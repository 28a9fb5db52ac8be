from . import location_page
