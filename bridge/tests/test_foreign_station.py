"""A station that we did not write: the client `test-ocpp` from PyPI, over TLS, in both versions it speaks."""

from __future__ import annotations

import asyncio
import sys

import pytest
from conftest import Eventually
from test_security import Secure, set_profile
from test_security import secure as secure  # the fixture

CLIENT = "test_ocpp"


async def run_client(*options: str) -> tuple[int, str]:
    """Its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        CLIENT,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_foreign_station_boots_with_a_password_within_tls(
    secure: Secure, eventually: Eventually, version: str
) -> None:
    _bridge, _odoo, authority, url = secure
    await set_profile(secure, eventually, 2)
    status, text = await run_client(
        url, "CS-1", "--ocpp", version, "--password", "correct horse", "--ca", str(authority.ca), "--trailing-slash"
    )
    assert (status, "BootNotification status: Accepted" in text) == (0, True), text


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_foreign_station_boots_with_a_certificate(
    secure: Secure, eventually: Eventually, version: str
) -> None:
    _bridge, _odoo, authority, url = secure
    certificate, key, serial = authority.issue("CS-1")
    await set_profile(secure, eventually, 3, [serial])
    status, text = await run_client(
        url, "CS-1", "--ocpp", version, "--cert", str(certificate), "--key", str(key), "--ca", str(authority.ca)
    )
    assert (status, "SUCCESS" in text) == (0, True), text


async def test_a_foreign_station_with_a_wrong_password_is_refused(secure: Secure, eventually: Eventually) -> None:
    _bridge, _odoo, authority, url = secure
    await set_profile(secure, eventually, 2)
    status, text = await run_client(url, "CS-1", "--password", "wrong", "--ca", str(authority.ca))
    assert (status, "HTTP 401" in text) == (1, True), text
