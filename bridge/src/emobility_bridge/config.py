"""Settings, each an environment variable and a command line option."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any


def _setting(help_text: str, **kwargs: Any) -> Any:
    return field(metadata={"help": help_text}, **kwargs)


@dataclass(frozen=True)
class Config:
    """All settings of one bridge process; durations are seconds unless the name says otherwise."""

    dsn: str = _setting("PostgreSQL connection string of the bridge's own database")
    odoo_url: str = _setting("base URL of Odoo, such as https://erp.example.com")
    odoo_db: str = _setting("Odoo database name")
    odoo_login: str = _setting("login of the Odoo user in the group of the bridge")
    odoo_api_key: str = _setting("API key of that user")
    host: str = _setting("address to listen on", default="127.0.0.1")
    port: int = _setting("port to listen on; 0 takes a free one", default=9000)
    sync_interval: float = _setting("pause between two pulls of tokens, stations, commands", default=2.0)
    outbox_interval: float = _setting("longest pause between two looks into the outbox", default=5.0)
    outbox_batch: int = _setting("events in one delivery to Odoo", default=200)
    outbox_backoff: float = _setting("first pause after a failed delivery; doubles each time", default=1.0)
    outbox_backoff_max: float = _setting("longest pause after failed deliveries", default=300.0)
    outbox_attempts: int = _setting("refusals by Odoo after which an event is a dead letter", default=12)
    odoo_timeout: float = _setting("time limit of one call to Odoo", default=60.0)
    heartbeat_interval: int = _setting("heartbeat interval that stations are told", default=300)
    call_timeout: float = _setting("how long a station may take to answer a command", default=30.0)
    ping_interval: float = _setting("pause between WebSocket pings", default=25.0)
    token_max_age: float = _setting(
        "age of the last sync above which the station's offline policy decides", default=3600.0
    )
    keep_days: int = _setting("days to keep frames, statuses and delivered events", default=400)

    @classmethod
    def load(cls, argv: Sequence[str], environ: Mapping[str, str] = os.environ) -> Config:
        """Read `--odoo-url` or `EMOBILITY_BRIDGE_ODOO_URL` and so on; the command line wins.

        Exits with a usage message when a required setting is missing or is not a number where one is needed.
        """
        parser = argparse.ArgumentParser(prog="emobility_bridge", description=__doc__)
        kinds = {"int": int, "float": float, "str": str}
        for item in fields(cls):
            variable = f"EMOBILITY_BRIDGE_{item.name.upper()}"
            default = environ.get(variable, None if item.default is MISSING else item.default)
            parser.add_argument(
                "--" + item.name.replace("_", "-"),
                dest=item.name,
                type=kinds[str(item.type)],
                default=default,
                required=default is None,
                help=f"{item.metadata['help']} [{variable}]",
            )
        return cls(**vars(parser.parse_args(argv)))
