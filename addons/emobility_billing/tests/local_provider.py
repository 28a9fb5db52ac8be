"""Odoo against payment providers of the tests, which listen on loopback."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

# The providers are a test program of the repository, beside the addons: who imports this can import `local_psp`.
sys.path.append(str(Path(__file__).resolve().parents[3] / "tests" / "psp"))


class LocalProviderMixin:
    """Mix into a class with `cls.env`."""

    @classmethod
    def serve_provider(cls, manager: AbstractContextManager[Any], address: str) -> None:
        """Run a provider as `cls.psp` until the class ends; what goes to the address of the real one goes there.

        :param address: as it begins the URLs of Odoo's connector
        """
        cls.psp = manager.__enter__()
        cls.addClassCleanup(manager.__exit__, None, None, None)
        target = cls.env.registry["payment.provider"]
        build = target._build_request_url

        def local(provider: Any, endpoint: str, **kwargs: Any) -> str:
            return build(provider, endpoint, **kwargs).replace(address, cls.psp.base_url)

        redirect = patch.object(target, "_build_request_url", local)
        redirect.start()
        cls.addClassCleanup(redirect.stop)
