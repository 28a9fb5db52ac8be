"""Around all routes: how addresses are read, and what is answered where there is none."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from ..ocpi.transport import CLIENT_ERROR
from .caller import framed


class Addresses:
    """ASGI: an address with a slash at the end is the same as without, for some partners write one.

    Who calls an address or a method that there is not is told so in the frame of OCPI.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            scope = scope | {"path": scope["path"].rstrip("/")}
        try:
            await self._app(scope, receive, send)
        except HTTPException as problem:
            answer = framed(
                None,
                Headers(scope=scope),
                status=problem.status_code,
                status_code=CLIENT_ERROR,
                message=problem.detail,
                headers=problem.headers,
            )
            await answer(scope, receive, send)
