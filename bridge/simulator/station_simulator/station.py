"""The simulated station: connection, retry queue, course of a session. `dialects` has the versions."""

from __future__ import annotations

import asyncio
import base64
import logging
import math
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from ocpp.exceptions import OCPPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from .dialects import DIALECTS, Dialect, price_text, show
from .plan import LIVE_SAMPLE_EVERY, SAMPLE_EVERY, Sample, SessionPlan

_logger = logging.getLogger(__name__)


FAULTS = ("offline", "replay", "bad-clock", "register-reset", "no-stop")


def unset_clock() -> datetime:
    """The clock of a station that was never told the time."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=1, seconds=time.monotonic())


@dataclass(frozen=True)
class StationSettings:
    """Which station this is, what it does; `time_scale` is simulated seconds per second (None: at once).

    `live` sessions begin now and take as long as they take; all others lie in the past and end now.
    `fault` is what goes wrong in the middle of a session, one of FAULTS. With `certificate` and `key` (PEM files) it
    proves with these who it is, else with the password; `ca` is the authority that it trusts.
    """

    url: str
    identity: str
    password: str = ""
    ocpp: str = "1.6"
    evse: int = 1
    energy_kwh: float = 20.0
    minutes: float = 60.0
    idle_minutes: float = 0.0
    time_scale: float | None = None
    live: bool = False
    taper: bool = False
    fault: str | None = None
    meter_start_wh: int = 1_000_000
    response_timeout: float = 10.0
    reconnect_pause: float = 0.5
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass
class Simulator:
    """Runs sessions over one connection that it re-opens when it is lost.

    Transaction messages wait in a queue until they are answered; after a reconnect they are sent again under
    a new message id, as real stations do.
    """

    settings: StationSettings
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self._queue: deque[Callable[[Dialect], Any]] = deque()
        self._dialect: Dialect | None = None
        self._online = asyncio.Event()
        self._remote_start: asyncio.Queue[tuple[str, int | None]] = asyncio.Queue()
        self._stop = asyncio.Event()
        self._memory = dict(DIALECTS[self.settings.ocpp].first_settings)
        self.tariff: dict[str, Any] | None = None  # what the driver pays who was let in last, if that was said
        self._register_wh = self.settings.meter_start_wh
        self._free_since = self.clock()
        if not self.settings.live:
            self._free_since -= self._length + timedelta(minutes=1)

    @property
    def _length(self) -> timedelta:
        return timedelta(minutes=self.settings.minutes + self.settings.idle_minutes)

    async def run(self, token: str | None, *, serve: bool = False) -> None:
        """Boot; charge with `token`, or wait for a remote start without one; with `serve` go on for ever.

        Raises InvalidHandshake when the station is not let in.
        """
        line = asyncio.create_task(self._keep_online())
        course = asyncio.create_task(self._sessions(token, serve))
        try:
            done, _ = await asyncio.wait({line, course}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (line, course):
                task.cancel()
            await asyncio.gather(line, course, return_exceptions=True)

    # -- connection ---------------------------------------------------------------------------------------

    async def _keep_online(self) -> None:
        booted = False
        while True:
            try:
                async with self._connect() as socket:
                    booted = await self._use(socket, booted)
            except InvalidHandshake as refusal:
                if not booted:
                    raise
                _logger.info("%s is refused: %s", self.settings.identity, refusal)
            except (OSError, WebSocketException, TimeoutError) as error:
                _logger.info("%s is offline: %s", self.settings.identity, error)
            await asyncio.sleep(self.settings.reconnect_pause)

    def _connect(self) -> connect:
        settings = self.settings
        credentials = base64.b64encode(f"{settings.identity}:{settings.password}".encode()).decode()
        return connect(
            f"{settings.url.rstrip('/')}/{quote(settings.identity, safe='')}",
            subprotocols=[Subprotocol(f"ocpp{settings.ocpp}")],
            additional_headers=None if settings.certificate else {"Authorization": f"Basic {credentials}"},
            compression=None,
            **self._tls(),
        )

    def _tls(self) -> dict[str, ssl.SSLContext]:
        settings = self.settings
        if not settings.url.startswith("wss:"):
            return {}
        context = ssl.create_default_context(cafile=settings.ca)
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.key)
        return {"ssl": context}

    async def _use(self, socket: ClientConnection, booted: bool) -> bool:
        dialect = DIALECTS[self.settings.ocpp](
            self.settings.identity,
            socket,
            self.settings.response_timeout,
            self._memory,
            self._on_start,
            self._on_stop,
        )
        receiving = asyncio.create_task(dialect.receive())
        try:
            if not booted:
                await dialect.boot()
                await dialect.status(self.settings.evse, "Available", self._free_since)
                booted = True
            self._dialect = dialect
            self._online.set()
            await asyncio.wait({receiving})
        finally:
            self._online.clear()
            self._dialect = None
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
        return booted

    async def _send(self, message: Callable[[Dialect], Any], *, repeat: bool = False) -> Any:
        """Queue a message and drain the queue; waits until this message has been answered.

        `repeat` says that it is of a transaction, which a station with the fault `replay` sends twice.
        """
        self._queue.append(message)
        if repeat and self.settings.fault == "replay":
            self._queue.append(message)
        answer = None
        while self._queue:
            await self._online.wait()
            dialect = self._dialect
            if dialect is None:
                continue
            try:
                answer = await self._queue[0](dialect)
            except OCPPError as error:
                _logger.warning("%s: a message is refused: %s", self.settings.identity, error)
            except (OSError, WebSocketException, TimeoutError) as error:
                _logger.info("%s repeats a message: %s", self.settings.identity, error)
                await dialect.hang_up()
                await asyncio.sleep(self.settings.reconnect_pause)
                continue
            self._queue.popleft()
        return answer

    # -- remote commands ----------------------------------------------------------------------------------

    def _on_start(self, token: str, remote_id: int | None) -> bool:
        self._remote_start.put_nowait((token, remote_id))
        return True

    def _on_stop(self) -> bool:
        self._stop.set()
        return True

    # -- sessions -----------------------------------------------------------------------------------------

    async def _sessions(self, token: str | None, serve: bool) -> None:
        while True:
            remote_id = None
            accepted = True
            if token is None:
                charging_token, remote_id = await self._remote_start.get()
            else:
                charging_token, token = token, None
                accepted = await self._authorize(charging_token)
            if accepted:
                await self._session(charging_token, remote_id)
            else:
                _logger.warning("%s: the token %s is refused", self.settings.identity, charging_token)
            if not serve:
                return

    async def _authorize(self, token: str) -> bool:
        permission = await self._send(lambda dialect: dialect.authorize(token))
        if permission is None:
            return False
        self.tariff = permission.tariff
        if self.tariff:
            show(f"your price: {price_text(self.tariff)}")
        return bool(permission.accepted)

    def _plan(self) -> SessionPlan:
        """A live session begins now; any other lies in the past and ends now.

        Sessions of one station do not overlap: one in the past that follows soon is shorter, with less energy.
        """
        settings = self.settings
        now = self.clock()
        start = now if settings.live else max(now - self._length, self._free_since)
        share = 1.0 if settings.live else (now - start) / self._length
        return SessionPlan(
            start,
            settings.minutes * share,
            settings.energy_kwh * share,
            self._register_wh,
            settings.idle_minutes * share,
            LIVE_SAMPLE_EVERY if settings.live else SAMPLE_EVERY,
            settings.taper,
        )

    async def _session(self, token: str, remote_id: int | None) -> None:
        """Charge along a plan."""
        settings = self.settings
        plan = self._plan()
        self._stop.clear()
        run = DIALECTS[settings.ocpp].new_session(settings.evse, token, remote_id)
        await self._send(lambda dialect: dialect.status(settings.evse, "Preparing", plan.start))
        await self._send(lambda dialect: dialect.start(run, plan.start, plan.meter_start_wh), repeat=True)
        await self._send(lambda dialect: dialect.status(settings.evse, "Charging", plan.start))
        at = plan.start
        for sample in plan.samples():
            if await self._wait_until(sample.at, at):
                break
            at = sample.at
            await self._break(plan, at)
            sample = self._seen(plan, sample)
            await self._send(lambda dialect, sample=sample: dialect.meter(run, sample), repeat=True)
        else:
            await self._wait_until(plan.end, at)
            at = plan.end
        remote = self._stop.is_set()
        if settings.live:
            at = min(self.clock(), plan.end)  # a remote stop comes between two readings
        if settings.fault == "no-stop":
            return
        self._register_wh = self._seen(plan, Sample(at, plan.register_at(at), 0)).register_wh
        await self._send(lambda dialect: dialect.stop(run, at, self._register_wh, remote), repeat=True)
        await self._send(lambda dialect: dialect.status(settings.evse, "Finishing", at))
        cable_out = at + (plan.cable_out - plan.end)
        self._stop.clear()
        await self._wait_until(cable_out, at)
        self._free_since = cable_out
        await self._send(lambda dialect: dialect.status(settings.evse, "Available", cable_out))

    async def _break(self, plan: SessionPlan, at: datetime) -> None:
        """Lose the connection in the middle of a session, when that is the fault."""
        middle = plan.start + (plan.end - plan.start) / 2
        if self.settings.fault == "offline" and at - plan.sample_every < middle <= at and self._dialect:
            await self._dialect.hang_up()

    def _seen(self, plan: SessionPlan, sample: Sample) -> Sample:
        """A reading as the station sees it: a register that was reset in the middle counts from 0 again."""
        middle = plan.start + (plan.end - plan.start) / 2
        if self.settings.fault != "register-reset" or sample.at < middle:
            return sample
        return Sample(sample.at, sample.register_wh - plan.register_at(middle), sample.power_w)

    async def _wait_until(self, at: datetime, since: datetime) -> bool:
        """Let simulated time pass from `since` to `at`; whether a remote stop came."""
        seconds = (at - since).total_seconds() / (self.settings.time_scale or math.inf)
        if self.settings.live:
            seconds = max((at - self.clock()).total_seconds(), 0.0)
        if seconds:
            try:
                await asyncio.wait_for(self._stop.wait(), seconds)
            except TimeoutError:
                pass
        return self._stop.is_set()
