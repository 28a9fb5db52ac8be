"""Who calls, within which limits, and the frame and log around each answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import ValidationError as OcpiValidationError
from starlette.concurrency import run_in_threadpool

from odoo.api import Environment
from odoo.exceptions import AccessError, MissingError, UserError

from odoo.addons.fastapi.context import odoo_env_ctx

from ..ocpi.internal import Party
from ..ocpi.transport import (
    CLIENT_ERROR,
    INVALID,
    UNKNOWN_RECEIVER,
    OcpiError,
    Page,
    Routing,
    depth_is_allowed,
    envelope,
    fingerprint,
    page_headers,
    without_zero_offsets,
)

_logger = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024
"""A CDR with signed values of a whole night stays far below."""
MAX_PAGE = 1000
_NOT_ROUTED = ("versions", "credentials", "hubclientinfo")


FAILURES_PER_MINUTE = 60
"""So often may an address come with a token that nobody has; what is beyond is neither answered otherwise nor kept."""
MOST_BUCKETS = 10_000


class RateLimit:
    """A bucket for each partner, or address, in this process: calls that are left, refilled over the minute."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, int | str], tuple[float, float]] = {}

    def take(self, key: tuple[str, int | str], per_minute: int) -> bool:
        now = time.monotonic()
        if len(self._buckets) > MOST_BUCKETS:
            # After a minute a bucket is full again, as if it had never been there.
            self._buckets = {known: kept for known, kept in self._buckets.items() if now - kept[1] < 60}
        left, since = self._buckets.get(key, (float(per_minute), now))
        left = min(float(per_minute), left + (now - since) * per_minute / 60)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        return allowed


rate_limit = RateLimit()


@dataclass
class Caller:
    """A partner that was authenticated. ``env`` is that of the technical user, who sees only what is the partner's.

    ``connections`` are our parties behind this interface that are meant: the one that the routing headers name, else
    all that have the role. ``connection`` is the first of them.
    """

    env: Environment
    connections: Any
    token: str
    routing: Routing
    url: str
    headers: Mapping[str, str]

    @property
    def connection(self) -> Any:
        return self.connections[:1]

    @property
    def version(self) -> str:
        return str(self.connection.version)

    def check_party(self, country_code: str, party_id: str) -> Party:
        """A partner touches the objects of its own parties only (F52)."""
        party = Party.of(country_code, party_id)
        if not any(connection._owns(party) for connection in self.connections):
            raise OcpiError(INVALID, f"{party} is not a party of this connection.", 404)
        return party

    def receivers(self, module: str, data: Mapping[str, Any]) -> list[Any]:
        """Who of us gets an object: a session or CDR the provider of the driver, all else everybody who is meant."""
        owner = data.get("cdr_token")
        if module in ("sessions", "cdrs") and len(self.connections) > 1 and isinstance(owner, Mapping):
            party = Party.of(str(owner.get("country_code")), str(owner.get("party_id")))
            return [each for each in self.connections if each._our_party() == party] or [self.connection]
        return list(self.connections)

    def reply(
        self, data: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> JSONResponse:
        return framed(data, self.headers, self.routing, status=status, headers=headers)

    def page(self, module: str, page: Page) -> JSONResponse:
        """A page of our objects that the partner may see."""
        publisher = self.env["emobility.ocpi.publisher"]
        rows, total, count = publisher._page(self.connections, module, page)
        return self.reply(rows, headers=page_headers(self.url, page, total, count, MAX_PAGE))


def framed(
    data: Any,
    request_headers: Mapping[str, str],
    routing: Routing | None = None,
    *,
    status: int = 200,
    status_code: int = 1000,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An answer in the frame of OCPI; ids and routing of the request come back."""
    echoed = {
        name: request_headers[name] for name in ("x-request-id", "x-correlation-id") if name in request_headers
    }
    swapped = routing.swapped().headers() if routing else {}
    return JSONResponse(
        envelope(data, now=datetime.now(UTC), status_code=status_code, message=message),
        status_code=status,
        headers={**echoed, **swapped, **(headers or {})},
    )


def _authenticate(request: Request) -> None:
    """Find the connection, check its limits and state, and leave the caller on the request."""
    env = odoo_env_ctx.get()
    connection, token = env["emobility.ocpi.connection"]._authenticate(request.headers.get("authorization"))
    if not connection:
        # Who has a token gets in however often others fail at the same address.
        if not rate_limit.take((env.cr.dbname, _address(request)), FAILURES_PER_MINUTE):
            raise OcpiError(CLIENT_ERROR, "Too many calls.", 429)
        request.state.is_stranger = True
        raise OcpiError(CLIENT_ERROR, "The token is not known.", 401)
    request.state.connection = connection
    if not rate_limit.take((env.cr.dbname, connection.id), connection.rate_limit):
        raise OcpiError(CLIENT_ERROR, "Too many calls.", 429)
    path = _path(request)
    module = _module_of(path)
    registration = module in ("versions", "credentials")
    if connection.state == "paused" or (not registration and connection.state != "connected"):
        raise OcpiError(CLIENT_ERROR, "This connection is not in use.", 401)
    routing = Routing() if module in _NOT_ROUTED else Routing.of_headers(request.headers)
    connections = connection if registration else _meant(connection, path, routing)
    env = env(context={"allowed_company_ids": connections.company_id.ids, "ocpi_connection_ids": tuple(connections.ids),
                       "tracking_disable": True, "lang": "en_US"})  # fmt: skip
    connections = connections.with_env(env(su=True))
    request.state.caller = Caller(
        env, connections, token, routing, connection._our_url() + path, request.headers
    )


def _meant(connection: Any, path: str, routing: Routing) -> Any:
    """Our parties behind the connection that are called: with this role, and the one that the headers name."""
    _empty, version, role = path.split("/")[:3]
    if version != connection.version:
        raise OcpiError(CLIENT_ERROR, f"This connection speaks OCPI {connection.version}.", 404)
    sides = connection._sides()
    if role in ("cpo", "emsp"):
        sides = sides.filtered(lambda side: side._we_are(role.upper()))
        if not sides:
            raise OcpiError(CLIENT_ERROR, "We do not have this role towards you.", 404)
    if routing.receiver:
        sides = sides.filtered(lambda side: side._our_party() == routing.receiver)
        if not sides:
            raise OcpiError(UNKNOWN_RECEIVER, f"The receiver {routing.receiver} is not known here.")
    if routing.sender and not connection._owns(routing.sender):
        raise OcpiError(INVALID, f"The sender {routing.sender} is not a party of this connection.")
    return sides


def _path(request: Request) -> str:
    """The path in our interface, wherever the interface is."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))


def _module_of(path: str) -> str:
    parts = path.split("/")
    if len(parts) > 3 and parts[2] in ("cpo", "emsp"):
        return parts[3]
    return parts[2] if len(parts) > 2 else "versions"


class OcpiRoute(APIRoute):
    """Around each endpoint: limits, authentication, errors in OCPI's words, log.

    What touches the database runs in a thread: the loop of events serves all requests of the process, and one that
    waited for a lock there would keep the other from giving it free.
    """

    def get_route_handler(self) -> Callable[[Request], Any]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            started = time.monotonic()
            env = odoo_env_ctx.get()
            savepoint = None
            error: str | None = None
            try:
                await _check_body(request)
                await run_in_threadpool(_authenticate, request)
                if request.state.connection.zero_offsets:
                    body = await request.body()
                    request._body = without_zero_offsets(body.decode(errors="replace")).encode()
                if request.method not in ("GET", "HEAD"):
                    savepoint = await run_in_threadpool(env.cr.savepoint)
                response = await handler(request)
                if savepoint:
                    await run_in_threadpool(savepoint.close, rollback=False)
            except (OcpiError, RequestValidationError, OcpiValidationError, UserError) as problem:
                if savepoint:
                    await run_in_threadpool(savepoint.close, rollback=True)
                answer = _as_ocpi(problem)
                error = answer.message
                response = framed(
                    None,
                    request.headers,
                    status=answer.http_status,
                    status_code=answer.status_code,
                    message=answer.message,
                )
            await run_in_threadpool(_log, request, response, error, time.monotonic() - started)
            return response

        return handle


async def _check_body(request: Request) -> None:
    length = request.headers.get("content-length") or "0"
    if length.isdecimal() and int(length) > MAX_BODY:
        raise OcpiError(INVALID, "The message is too long.", 413)
    body = await request.body()
    if len(body) > MAX_BODY:
        raise OcpiError(INVALID, "The message is too long.", 413)
    if not depth_is_allowed(body):
        raise OcpiError(INVALID, "The message nests too deep.")
    if b"\\u0000" in body or b"\x00" in body:
        raise OcpiError(INVALID, "The message has characters that no text of OCPI may have.")


def _as_ocpi(problem: Exception) -> OcpiError:
    if isinstance(problem, OcpiError):
        return problem
    if isinstance(problem, RequestValidationError | OcpiValidationError):
        details = "; ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in problem.errors()[:5]
        )
        return OcpiError(INVALID, details[:500])
    if isinstance(problem, AccessError | MissingError):
        return OcpiError(INVALID, "There is no such object.", 404)
    return OcpiError(INVALID, str(problem)[:500])


def _log(request: Request, response: Response, error: str | None, seconds: float) -> None:
    connection = getattr(request.state, "connection", None)
    if connection is None:
        _log_stranger(request, response, error)
        return
    caller = getattr(request.state, "caller", None)
    connection = (caller.connection if caller else connection).sudo()
    module = _module_of(_path(request))
    env = connection.env
    env["emobility.ocpi.message"]._log(
        address=_address(request),
        credential=fingerprint(caller.token)[:8] if caller else False,
        connection_id=connection.id,
        company_id=connection.company_id.id,
        direction="in",
        module=module if module in dict(env["emobility.ocpi.message"]._fields["module"].selection) else False,
        method=request.method,
        path=(f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path)[:2000],
        http_status=response.status_code,
        error=error,
        request_id=_short(request.headers.get("x-request-id")),
        correlation_id=_short(request.headers.get("x-correlation-id")),
        party_from=str(caller.routing.sender or "") or False if caller else False,
        party_to=str(caller.routing.receiver or "") or False if caller else False,
        milliseconds=round(seconds * 1000),
        request_body=getattr(request, "_body", b""),
        response_body=bytes(response.body),
    )


def _log_stranger(request: Request, response: Response, error: str | None) -> None:
    """Somebody without a good token: that they came is kept, and nothing of what they sent."""
    address = _address(request)
    _logger.info("OCPI %s from %s refused: %s", request.method, address, error)
    if getattr(request.state, "is_stranger", False):
        odoo_env_ctx.get()["emobility.ocpi.message"]._log(
            direction="in",
            method=request.method,
            path=_path(request)[:200],
            http_status=response.status_code,
            error=error,
            address=address,
        )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _short(text: str | None) -> str | bool:
    return "".join(char for char in text if char.isprintable())[:100] if text else False


_scheme = APIKeyHeader(
    name="Authorization", auto_error=False, description="`Token` and the token in base64; in 2.1.1 as it is."
)


def get_caller(request: Request, _header: Annotated[str | None, Depends(_scheme)] = None) -> Caller:
    """The partner that was authenticated by the route."""
    caller: Caller = request.state.caller
    return caller


AuthenticatedCaller = Annotated[Caller, Depends(get_caller)]
