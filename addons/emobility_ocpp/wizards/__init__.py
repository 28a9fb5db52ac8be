from . import bridge_access, commissioning, remote_start, station_command
