"""The versions side by side: read and write an object of a module in the words of the version of a partner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import internal, v211, v221, v230
from .v221 import Message

VERSIONS = ("2.1.1", "2.2.1", "2.3.0")
"""Oldest first."""

CORE = ("locations", "sessions", "cdrs", "tariffs", "tokens", "commands")
SINCE_22 = ("chargingprofiles", "hubclientinfo")
SINCE_23 = ("invoicereconciliation",)
ROUTED = (*CORE, "chargingprofiles", "invoicereconciliation", "payments")
"""Modules whose messages carry the routing headers."""


class ReceivedTariff221(Message):
    """A tariff of 2.2.1 as partners send it: the engine reads its prices."""

    country_code: v221.CountryCode
    party_id: v221.PartyId
    id: v221.Id36
    currency: v221.Currency
    elements: tuple[dict[str, Any], ...]
    start_date_time: v221.Instant | None = None
    end_date_time: v221.Instant | None = None
    last_updated: v221.Instant


@dataclass(frozen=True)
class Models:
    """The classes of a version."""

    location: type[Message]
    evse: type[Message]
    connector: type[Message]
    session: type[Message]
    cdr: type[Message]
    tariff: type[Message]
    token: type[Message]
    credentials: type[Message]
    authorization: type[Message]
    version_details: type[Message]
    commands: Mapping[str, type[Message]]


_MODELS = {
    "2.1.1": Models(
        v211.Location,
        v211.Evse,
        v211.Connector,
        v211.Session,
        v211.Cdr,
        v211.Tariff,
        v211.Token,
        v211.Credentials,
        v211.AuthorizationInfo,
        v211.VersionDetails,
        v211.COMMANDS,
    ),
    "2.2.1": Models(
        v221.Location,
        v221.Evse,
        v221.Connector,
        v221.Session,
        v221.ReceivedCdr,
        ReceivedTariff221,
        v221.Token,
        v221.Credentials,
        v221.AuthorizationInfo,
        v221.VersionDetails,
        v221.COMMANDS,
    ),
    "2.3.0": Models(
        v221.Location,
        v221.Evse,
        v221.Connector,
        v230.Session,
        v230.ReceivedCdr,
        v230.Tariff,
        v221.Token,
        v230.Credentials,
        v221.AuthorizationInfo,
        v221.VersionDetails,
        v221.COMMANDS,
    ),
}


def models_of(version: str) -> Models:
    """The classes of the version. :raises KeyError: when the version is not known"""
    return _MODELS[version]


def modules_of(version: str) -> tuple[str, ...]:
    """The functional modules that a version has."""
    extras = {"2.1.1": (), "2.2.1": SINCE_22, "2.3.0": SINCE_22 + SINCE_23}
    return CORE + extras[version]


def best_of(theirs: list[str], limit: str | None = None) -> str | None:
    """The newest version that both sides speak, up to ``limit``."""
    ours = VERSIONS[: VERSIONS.index(limit) + 1] if limit else VERSIONS
    return next((version for version in reversed(ours) if version in theirs), None)


def _read(kind: str, version: str, data: object, party: internal.Party) -> Any:
    message = getattr(models_of(version), kind).model_validate(data)
    return message.to_internal(party) if version == "2.1.1" else message.to_internal()


def read_location(version: str, data: object, party: internal.Party) -> internal.Location:
    """A location. ``party`` counts only where the version does not name one. :raises ValidationError:"""
    location: internal.Location = _read("location", version, data, party)
    return location


def read_session(version: str, data: object, party: internal.Party) -> internal.Session:
    """A session. :raises ValidationError:"""
    session: internal.Session = _read("session", version, data, party)
    return session


def read_cdr(version: str, data: object, party: internal.Party) -> internal.Cdr:
    """A CDR. :raises ValidationError:"""
    cdr: internal.Cdr = _read("cdr", version, data, party)
    return cdr


def read_token(version: str, data: object, party: internal.Party) -> internal.Token:
    """A token. :raises ValidationError:"""
    token: internal.Token = _read("token", version, data, party)
    return token


def read_tariff(version: str, data: Mapping[str, Any], party: internal.Party) -> internal.Tariff:
    """A tariff; its prices stay as they came. :raises ValidationError:"""
    message: Any = models_of(version).tariff.model_validate(data)
    return internal.Tariff(
        party=party if version == "2.1.1" else internal.Party.of(message.country_code, message.party_id),
        id=message.id,
        currency=message.currency,
        data=data,
        version=version,
        last_updated=message.last_updated,
        valid_from=message.start_date_time,
        valid_to=message.end_date_time,
    )


def read_reconciliation(version: str, data: object, party: internal.Party) -> internal.Reconciliation:
    """Which CDRs an invoice is about; 2.3.0 only. :raises ValidationError:"""
    record = v230.InvoiceReconciliationRecord.model_validate(data)
    owner = internal.Party.of(record.country_code, record.party_id)
    return internal.Reconciliation(owner, record.id, record.invoice_id, record.cdrs, record.last_updated)


def read_credentials(version: str, data: object) -> internal.Credentials:
    """Credentials. :raises ValidationError:"""
    message: Any = models_of(version).credentials.model_validate(data)
    credentials: internal.Credentials = message.to_internal()
    return credentials


def write(kind: str, version: str, item: Any) -> dict[str, Any]:
    """An object of the internal shape as JSON data of the version; ``kind`` is a field of :class:`Models`.

    :raises ValidationError: when it does not fit
    """
    model: Any = getattr(models_of(version), kind)
    return as_json(model.of(item))


def as_json(message: Message) -> dict[str, Any]:
    """JSON data; what is absent is left out."""
    return message.model_dump(mode="json", exclude_none=True)


def merge_patch(known: Mapping[str, Any], patch: Mapping[str, Any], *, append: tuple[str, ...] = ()) -> dict[str, Any]:
    """The object after a PATCH: fields that it names replace those that are known; lists in ``append`` grow."""
    merged = dict(known)
    for name, value in patch.items():
        if name in append:
            merged[name] = [*(known.get(name) or []), *(value or [])]
        else:
            merged[name] = value
    return merged
