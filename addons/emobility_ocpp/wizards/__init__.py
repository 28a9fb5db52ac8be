from . import bridge_access, remote_start
