"""Addresses with a slash at the end mean the same as without: some partners write one, and no redirect is followed."""

from __future__ import annotations

from typing import Any


class WithoutTrailingSlash:
    """ASGI: takes the slash away before an address is looked up."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            scope = scope | {"path": scope["path"].rstrip("/")}
        await self._app(scope, receive, send)
