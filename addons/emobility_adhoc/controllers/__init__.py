from . import charge, session
