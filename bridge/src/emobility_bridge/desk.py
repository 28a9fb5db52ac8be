"""What a station is answered. Most answers are known at once; some need a look into the database first.

An answer never waits for the ledger or for Odoo: it needs the copy of the tokens and, for a start of OCPP 1.6, a
transaction number. All questions of one batch are asked together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

from .authorization import Asked, Authorization, authorize
from .database import Connection, fetch_all

if TYPE_CHECKING:  # the ledger reads this module too, and asks no other server
    from .plug_and_charge import PlugAndCharge

Payload = dict[str, Any]
ANEW = timedelta(0)
FOR_A_START = timedelta(minutes=15)
"""Between the card and the start of the session; a card may come before the cable."""

_NUMBERS: LiteralString = """
    INSERT INTO transaction_number (station, natural_key)
    SELECT DISTINCT station, natural_key FROM unnest(%s::text[], %s::text[]) AS asked (station, natural_key) WHERE true
    ON CONFLICT (station, natural_key) DO UPDATE SET natural_key = EXCLUDED.natural_key
    RETURNING station, natural_key, id"""
_BOOTS: LiteralString = """
    UPDATE station_state SET boots = booted.boots FROM unnest(%s::text[], %s::int[]) AS booted (identity, boots)
    WHERE station_state.identity = booted.identity"""


class Desk(Protocol):
    """What an answer may depend on, of the station that is answered."""

    heartbeat_interval: int
    accepted: bool
    boots: int

    @property
    def at(self) -> datetime:
        """Now."""

    @property
    def plug_and_charge(self) -> PlugAndCharge:
        """Who knows about contract certificates."""

    async def permit(self, question: Question) -> Question:
        """Ask the provider of the token first, if it wants that."""

    def cost_of(self, transaction_id: str | None) -> float | None:
        """What a running transaction has cost so far, as far as Odoo has said."""


@dataclass(slots=True)
class Question:
    """An answer that needs the database: `finish` makes it from what was found."""

    station: str
    finish: Callable[[Question], Payload]
    token_uid: str | None = None
    evse: int | None = None
    start_key: str | None = None
    boots: int | None = None
    ask_after: timedelta | None = None  # age above which the answer of a provider is asked for anew; None: never ask
    permission: Authorization | None = field(default=None, init=False)
    number: int | None = field(default=None, init=False)

    def note(self) -> Payload:
        """What the ledger must know of this answer."""
        note: Payload = {}
        if self.permission is not None:
            note |= {"status": self.permission.status, "type": self.permission.token_type}
            if self.permission.reference:
                note["reference"] = self.permission.reference
        if self.start_key is not None:
            note |= {"key": self.start_key, "number": self.number}
        if self.boots is not None:
            note["boots"] = self.boots
        return note


@dataclass(slots=True, frozen=True)
class Errand:
    """An answer that needs another server; the station waits for it, and nobody else does."""

    run: Callable[[], Awaitable[Payload | Question]]


Answers = dict[str, Callable[[str, Payload, Desk], Payload | Question | Errand]]
"""By action: from station, payload and desk to the answer, or to what leads to it."""


async def resolve(
    connection: Connection, questions: Sequence[Question], at: datetime, token_max_age: float
) -> None:
    """Look up all that the questions need, in the transaction that also keeps the messages."""
    asking = [
        question for question in questions if question.token_uid is not None and question.permission is None
    ]
    if asking:
        asked = [Asked(question.station, question.token_uid or "", question.evse) for question in asking]
        for question, answer in zip(
            asking, await authorize(connection, asked, at, token_max_age), strict=True
        ):
            question.permission = answer
    await _number([question for question in questions if question.start_key is not None], connection)
    booted = {question.station: question.boots for question in questions if question.boots is not None}
    if booted:
        await connection.execute(_BOOTS, [list(booted), list(booted.values())])


async def _number(starts: Sequence[Question], connection: Connection) -> None:
    if not starts:
        return
    rows = await fetch_all(
        connection, _NUMBERS, [[start.station for start in starts], [start.start_key for start in starts]]
    )
    numbers = {(row["station"], row["natural_key"]): row["id"] for row in rows}
    for start in starts:
        start.number = numbers[start.station, start.start_key]
