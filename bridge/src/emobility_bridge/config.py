"""Settings: a TOML file, environment variables and command line options, the later overruling the earlier."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "EMOBILITY_BRIDGE_"


class Config(BaseSettings):
    """All settings of one bridge; durations are seconds unless the name says otherwise.

    Each is `--odoo-url` on the command line, `EMOBILITY_BRIDGE_ODOO_URL` in the environment and `odoo_url` in the
    TOML file that `EMOBILITY_BRIDGE_FILE` names.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", cli_kebab_case=True)

    dsn: str = Field(
        description="the bridge's own database: a PostgreSQL connection string, or sqlite:///path for a bridge alone"
    )
    odoo_url: str = Field(description="base URL of Odoo, such as https://erp.example.com")
    odoo_db: str = Field(description="Odoo database name")
    odoo_login: str = Field(description="login of the Odoo user in the group of the bridge")
    odoo_api_key: SecretStr = Field(description="API key of that user")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(9000, description="port to listen on without TLS; 0 takes a free one, -1 does not listen")
    tls_port: int = Field(-1, description="port to listen on with TLS (security profiles 2 and 3)")
    tls_certificate: Path | None = Field(None, description="PEM file: certificate chain of the bridge")
    tls_key: Path | None = Field(None, description="PEM file: private key of that certificate")
    tls_client_ca: Path | None = Field(
        None, description="PEM file: who signs station certificates; with it stations may use profile 3"
    )
    proxy_depth: int = Field(
        0, ge=0, description="proxies in front that add X-Forwarded-For; 0 believes no such header"
    )
    sync_interval: float = Field(2.0, gt=0, description="pause between two pulls of tokens, stations, commands")
    outbox_interval: float = Field(5.0, gt=0, description="longest pause between two looks into the outbox")
    outbox_batch: int = Field(200, gt=0, description="events in one delivery to Odoo")
    outbox_backoff: float = Field(1.0, gt=0, description="first pause after a failed delivery; doubles each time")
    outbox_backoff_max: float = Field(300.0, gt=0, description="longest pause after failed deliveries")
    outbox_attempts: int = Field(12, gt=0, description="refusals after which an event is a dead letter")
    odoo_timeout: float = Field(60.0, gt=0, description="time limit of one call to Odoo")
    authorize_timeout: float = Field(
        5.0, gt=0, description="time limit for a question to the provider of a token, while the station waits"
    )
    heartbeat_interval: int = Field(300, gt=0, description="heartbeat interval that stations are told")
    call_timeout: float = Field(30.0, gt=0, description="how long a station may take to answer a command")
    ping_interval: float = Field(25.0, gt=0, description="pause between WebSocket pings")
    handshake_timeout: float = Field(10.0, gt=0, description="how long a client may take to open a WebSocket")
    max_frame_bytes: int = Field(1024 * 1024, gt=1000, description="largest message that a station may send")
    rate_per_second: float = Field(500.0, gt=0, description="messages of one station that are read each second")
    rate_burst: int = Field(2000, gt=0, description="messages that may come faster than that")
    token_max_age: float = Field(
        3600.0, gt=0, description="age of the last sync above which the station's offline policy decides"
    )
    drain_seconds: float = Field(0.0, ge=0, description="when stopping, spread the goodbyes over this time")
    adoption_interval: float = Field(
        15.0, gt=0, description="pause between two looks after bridges on the same database that are gone"
    )
    orphan_hours: float = Field(
        24.0, ge=0, description="a session without a stop is closed when its cable has been out this long; 0: never"
    )
    keep_days: int = Field(400, gt=0, description="days to keep frames, statuses and delivered events")
    contract_ca: Path | None = Field(
        None, description="PEM file: authorities of contract certificates (ISO 15118, plug and charge)"
    )
    ocsp_hosts: str = Field("", description="hosts of OCSP responders that may be asked, separated by commas")
    provisioning_url: str = Field("", description="service that makes contract certificates (Get15118EVCertificate)")
    provisioning_key: SecretStr = Field(SecretStr(""), description="bearer token for that service")
    provisioning_timeout: float = Field(5.0, gt=0, description="time limit of that service and of OCSP responders")
    log_json: bool = Field(False, description="write the log as one JSON object a line")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    node: int = Field(0, ge=0, description="number of the node, which the bridge gives to its own parts")

    @classmethod
    def load(cls, argv: Sequence[str]) -> Config:
        """Read the settings; raises pydantic.ValidationError, and exits on a wrong command line."""
        values: dict[str, Any] = {"_cli_parse_args": list(argv)}
        return cls(**values)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The command line comes first by itself; then the environment, then the file."""
        file = os.environ.get(f"{PREFIX}FILE")
        if not file:
            return init_settings, env_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(file))

    def environment(self) -> dict[str, str]:
        """These settings as environment variables, for a child process."""
        values = self.model_dump(exclude_none=True)
        return {
            f"{PREFIX}{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in values.items()
        }
