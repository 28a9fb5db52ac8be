"""The time zone of a place on earth. Plain Python, no ORM."""

import tzfpy


def time_zone_of(latitude: float, longitude: float) -> str | None:
    """Return the IANA name of the time zone at these coordinates.

    None in the middle of an ocean, where nobody charges, and for 0/0, which means that nobody entered anything.
    """
    if not (latitude or longitude):
        return None
    # The library takes the longitude first.
    name = tzfpy.get_tz(longitude, latitude)
    return name if name and not name.startswith("Etc/") else None
