"""OCPI 2.3.0 (tag v2.3.0-ed2): where it differs from 2.2.1, and what its objects are in the internal shape.

Prices are an amount before taxes and a list of taxes. Enumerations are open. The platform of a hub names the hub
in its credentials. The module invoicereconciliation ties the CDRs to an invoice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field

from . import internal, v221
from .v221 import (
    COMMANDS,
    ActiveChargingProfile,
    AuthorizationInfo,
    CancelReservation,
    ChargingProfile,
    ChargingProfileResponse,
    ChargingProfileResult,
    CiString,
    ClientInfo,
    CommandResponse,
    CommandResult,
    Connector,
    CountryCode,
    Currency,
    Endpoint,
    Evse,
    Id36,
    Instant,
    Location,
    Message,
    Number,
    PartyId,
    ReceivedCdrLocation,
    ReserveNow,
    SetChargingProfile,
    StartSession,
    StopSession,
    Token,
    UnlockConnector,
    Version,
    VersionDetails,
)

__all__ = [
    "COMMANDS",
    "ActiveChargingProfile",
    "AuthorizationInfo",
    "CancelReservation",
    "Cdr",
    "ChargingProfile",
    "ChargingProfileResponse",
    "ChargingProfileResult",
    "ClientInfo",
    "CommandResponse",
    "CommandResult",
    "Connector",
    "Credentials",
    "Endpoint",
    "Evse",
    "InvoiceReconciliationRecord",
    "Location",
    "Price",
    "ReceivedCdr",
    "ReceivedCdrLocation",
    "ReserveNow",
    "Session",
    "SetChargingProfile",
    "StartSession",
    "StopSession",
    "Tariff",
    "TaxAmount",
    "Token",
    "UnlockConnector",
    "Version",
    "VersionDetails",
]


class TaxAmount(Message):
    """One tax on a price."""

    name: str
    account_number: str | None = None
    percentage: Number | None = None
    amount: Number


class Price(Message):
    """Money before taxes, and each tax (chapter types, Price)."""

    before_taxes: Number
    taxes: tuple[TaxAmount, ...] | None = None

    def to_internal(self) -> internal.Money:
        if self.taxes is None:
            return internal.Money(self.before_taxes)
        taxes = sum((tax.amount for tax in self.taxes), Decimal(0))
        return internal.Money(self.before_taxes, self.before_taxes + taxes)

    @classmethod
    def of(cls, money: internal.Money) -> Self:
        if money.gross is None:
            return cls(before_taxes=money.net)
        return cls(before_taxes=money.net, taxes=(TaxAmount(name="VAT", amount=money.gross - money.net),))


class Session(v221.Session):
    """Chapter mod_sessions, Session: only its price is another one."""

    total_cost: Price | None = None  # type: ignore[assignment]

    @staticmethod
    def _price(total: internal.Money | None) -> Any:
        return None if total is None else Price.of(total)


class ReceivedCdr(v221.ReceivedCdr):
    """Chapter mod_cdrs, CDR as partners send it."""

    total_cost: Price  # type: ignore[assignment]


class Cdr(v221.Cdr):
    """Chapter mod_cdrs, CDR as we send it: only its prices are others. The tariffs are those of this version."""

    tariffs: tuple[dict[str, Any], ...] | None = None  # type: ignore[assignment]
    total_cost: Price  # type: ignore[assignment]
    total_fixed_cost: Price | None = None  # type: ignore[assignment]
    total_energy_cost: Price | None = None  # type: ignore[assignment]
    total_time_cost: Price | None = None  # type: ignore[assignment]
    total_parking_cost: Price | None = None  # type: ignore[assignment]
    total_reservation_cost: Price | None = None  # type: ignore[assignment]

    @classmethod
    def of_v221(cls, cdr: v221.Cdr, tariffs: tuple[dict[str, Any], ...] | None) -> Self:
        """The same CDR in the words of this version."""
        values = cdr.model_dump(exclude={"tariffs"}, exclude_none=True)
        for name, value in cdr:
            if isinstance(value, v221.Price):
                values[name] = Price.of(value.to_internal()).model_dump(exclude_none=True)
        return cls.model_validate(values | {"tariffs": tariffs})


class Tariff(Message):
    """Chapter mod_tariffs, Tariff: what has to be known to keep it; the engine reads the rest."""

    country_code: CountryCode
    party_id: PartyId
    id: Id36
    currency: Currency
    tax_included: CiString
    elements: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    last_updated: Instant


class Credentials(v221.Credentials):
    """Chapter credentials; a platform with a hub names it."""

    hub_party_id: Annotated[CiString, Field(pattern=r"^[A-Za-z]{2}[A-Za-z0-9]{3}$")] | None = None

    def to_internal(self) -> internal.Credentials:
        known = super().to_internal()
        hub = internal.Party.of(self.hub_party_id[:2], self.hub_party_id[2:]) if self.hub_party_id else None
        return internal.Credentials(known.token, known.url, known.roles, hub)


class InvoiceReconciliationRecord(Message):
    """Chapter mod_invoice_reconciliation: which CDRs an invoice is about."""

    country_code: CountryCode
    party_id: PartyId
    id: Id36
    invoice_id: Annotated[CiString, Field(min_length=1, max_length=255)]
    cdrs: Annotated[tuple[Annotated[CiString, Field(min_length=1, max_length=39)], ...], Field(min_length=1)]
    last_updated: Instant
