"""Answers that are alike in all OCPP versions."""

from __future__ import annotations

from collections.abc import Callable

from .desk import Desk, Payload, Question
from .normalise import iso


def boot(station: str, payload: Payload, desk: Desk) -> Question:
    """BootNotification: a station that nobody accepted waits, and lets nobody charge."""
    answer: Payload = {
        "currentTime": iso(desk.at),
        "interval": desk.heartbeat_interval,
        "status": "Accepted" if desk.accepted else "Pending",
    }
    return Question(station, lambda _known: answer, boots=desk.boots)


def heartbeat(station: str, payload: Payload, desk: Desk) -> Payload:
    """Heartbeat."""
    return {"currentTime": iso(desk.at)}


def fixed(answer: Payload) -> Callable[[str, Payload, Desk], Payload]:
    """The same answer always: the message is in the journal, and the ledger does the rest."""
    return lambda _station, _payload, _desk: answer
