"""Tokens whose provider decides each time: Odoo is asked while the station waits, and nobody else does.

Beside the durable path: an answer that does not come in time is none, and then the station's offline policy decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime

import psycopg

from .authorization import UNKNOWN, Asked, Authorization, authorize
from .config import Config
from .database import Database, fetch_value
from .desk import Question
from .normalise import text
from .odoo import Odoo, OdooFault, OdooUnavailable

_logger = logging.getLogger(__name__)

_REMEMBERED = 10_000
_STATUSES = frozenset({"Accepted", "Blocked", "Expired", "Invalid"})
_NEEDED = "SELECT EXISTS (SELECT 1 FROM token WHERE status IN ('Ask', 'AskOnline'))"


class Asking:
    """Fills in the permission of a question when somebody else has to be asked for it."""

    def __init__(self, config: Config, database: Database) -> None:
        self._config, self._database = config, database
        self._odoo = Odoo(
            config.odoo_url,
            config.odoo_db,
            config.odoo_login,
            config.odoo_api_key.get_secret_value(),
            config.authorize_timeout,
        )
        self._answers: OrderedDict[tuple[str, str], tuple[datetime, Authorization]] = OrderedDict()
        self.is_needed = False

    async def learn(self) -> None:
        """Find out whether there is any token to be asked about. Raises psycopg.Error."""
        async with self._database.transaction() as connection:
            self.is_needed = bool(await fetch_value(connection, _NEEDED))

    async def permit(self, question: Question) -> Question:
        """Ask, if the token of the question is one of those."""
        if question.ask_after is None or question.token_uid is None:
            return question
        now = datetime.now(UTC)
        key = (question.station, question.token_uid.upper())
        try:
            known = await self._known(question, now)
        except (psycopg.Error, OSError) as error:
            # The journal will not be able to keep the message either, and then the station is not answered.
            _logger.warning("Nobody was asked about a token: %s", error, extra={"station": question.station})
            return question
        if not known.ask:
            return question
        at, answer = self._answers.get(key, (None, None))
        if at is None or answer is None or now - at >= question.ask_after:
            answer = await self._ask(question, known)
            if answer is not None and answer.status == "Accepted":
                self._remember(key, now, answer)
        question.permission = answer or replace(known, ask=False)
        return question

    async def _known(self, question: Question, now: datetime) -> Authorization:
        """What the copy of the tokens says of this one; of one that is not in it, what it says of all such."""
        asked = Asked(question.station, question.token_uid or "", question.evse)
        async with self._database.transaction() as connection:
            both = [asked, replace(asked, token_uid=UNKNOWN)]
            this, others = await authorize(connection, both, now, self._config.token_max_age)
        unknown = this.token_type is None and others.ask
        return replace(others, token_type=None) if unknown else this

    async def _ask(self, question: Question, known: Authorization) -> Authorization | None:
        """What Odoo answers; None when it does not, or cannot reach the provider."""
        try:
            async with asyncio.timeout(self._config.authorize_timeout):
                answer = await self._odoo.authorize(question.station, question.token_uid or "", question.evse)
        except (OdooUnavailable, OdooFault, TimeoutError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else error
            _logger.warning("Nobody could be asked about a token: %s", reason, extra={"station": question.station})
            return None
        if answer.get("status") not in _STATUSES:
            return None
        token_type = text(answer.get("type")) or known.token_type
        reference = text(answer.get("reference"))
        return replace(known, status=str(answer["status"]), token_type=token_type, ask=False, reference=reference)

    def _remember(self, key: tuple[str, str], now: datetime, answer: Authorization) -> None:
        """For the start that follows: it must be let in as the card was. A refusal may be over with the next try."""
        self._answers[key] = (now, answer)
        self._answers.move_to_end(key)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
