"""Who may come in, over which line, and what nobody can do from outside."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import BridgeProcess, Eventually, running_bridge
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fake_odoo import PASSWORD, TOKEN, FakeOdoo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_station import RawStation, basic
from station_simulator import Simulator, StationSettings
from station_simulator.station import unset_clock
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

PROTOCOLS = [Subprotocol("ocpp1.6")]


class Authority:
    """A CA with a server certificate for 127.0.0.1 and certificates for stations."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign("Test CA", self._key.public_key(), None)
        (folder / "ca.pem").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    @property
    def ca(self) -> Path:
        return self._folder / "ca.pem"

    def issue(self, name: str) -> tuple[Path, Path, str]:
        """Certificate, key and serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key.public_key(), self._certificate)
        paths = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return *paths, f"{certificate.serial_number:X}"

    def _sign(self, name: str, key: Any, issuer: x509.Certificate | None) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        )
        if issuer is not None:
            import ipaddress

            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


Secure = tuple[BridgeProcess, FakeOdoo, Authority, str]


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    """A bridge that also listens with TLS."""
    import socket

    authority = Authority(tmp_path_factory.mktemp("ca"))
    certificate, key, _serial = authority.issue("bridge")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "tls_port": port,
        "tls_certificate": certificate,
        "tls_key": key,
        "tls_client_ca": authority.ca,
        "handshake_timeout": 1,
        "max_frame_bytes": 20_000,
        "rate_per_second": 20,
        "rate_burst": 20,
    }
    with running_bridge(**options) as (bridge, odoo):
        yield bridge, odoo, authority, f"wss://127.0.0.1:{port}/ocpp"


def client_context(authority: Authority, certificate: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(authority.ca))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


async def set_profile(
    secure: Secure, eventually: Eventually, profile: int, serials: list[str] | None = None
) -> None:
    bridge, odoo, _authority, _url = secure
    values = {"security_profile": profile, "certificates": serials or []}
    odoo.stations = [odoo.station("CS-1") | values, odoo.station("CS-2")]
    await eventually(
        lambda: bridge.rows(
            "SELECT 1 FROM station WHERE identity = 'CS-1' AND security_profile = %s AND certificates = %s",
            profile,
            serials or [],
        )
    )


async def test_profile_2_is_a_password_within_tls(secure: Secure, eventually: Eventually) -> None:
    bridge, _odoo, authority, url = secure
    await set_profile(secure, eventually, 2)
    header = basic("CS-1", b"correct horse")
    async with connect(
        f"{url}/CS-1", ssl=client_context(authority), additional_headers=header, subprotocols=PROTOCOLS
    ) as socket:
        station = RawStation(socket)
        assert "currentTime" in await station.call("Heartbeat", {})
    with pytest.raises(InvalidStatus) as refusal:
        await connect(f"{bridge.url}/ocpp/CS-1", additional_headers=header, subprotocols=PROTOCOLS)
    assert refusal.value.response.status_code == 401


async def test_profile_3_is_a_certificate_of_ours_with_the_identity_as_its_name(
    secure: Secure, eventually: Eventually
) -> None:
    _bridge, _odoo, authority, url = secure
    certificate, key, serial = authority.issue("CS-1")
    await set_profile(secure, eventually, 3, [serial])
    context = client_context(authority, certificate, key)
    async with connect(f"{url}/CS-1", ssl=context, subprotocols=PROTOCOLS) as socket:
        assert "currentTime" in await RawStation(socket).call("Heartbeat", {})


async def test_profile_3_refuses_other_names_revoked_certificates_and_passwords(
    secure: Secure, eventually: Eventually
) -> None:
    _bridge, _odoo, authority, url = secure
    good, good_key, _serial = authority.issue("CS-1")
    other, other_key, other_serial = authority.issue("CS-2")
    await set_profile(secure, eventually, 3, [other_serial])
    attempts: list[tuple[ssl.SSLContext, dict[str, str]]] = [
        (client_context(authority, other, other_key), {}),  # another station's certificate
        (client_context(authority, good, good_key), {}),  # its own, but no longer listed
        (client_context(authority), basic("CS-1", b"correct horse")),  # a password is not enough
    ]
    for context, headers in attempts:
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"{url}/CS-1", ssl=context, additional_headers=headers, subprotocols=PROTOCOLS)
        assert refusal.value.response.status_code == 401


async def test_a_certificate_of_another_authority_ends_the_handshake(
    secure: Secure, tmp_path: Path
) -> None:
    _bridge, _odoo, authority, url = secure
    certificate, key, _serial = Authority(tmp_path).issue("CS-1")
    with pytest.raises((ssl.SSLError, OSError, InvalidMessage)):
        await connect(f"{url}/CS-1", ssl=client_context(authority, certificate, key))


async def test_an_unknown_station_stays_outside_and_a_person_hears_of_it_once(
    secure: Secure, eventually: Eventually
) -> None:
    bridge, odoo, _authority, _url = secure
    for _ in range(3):
        with pytest.raises(InvalidStatus):
            await connect(f"{bridge.url}/ocpp/NEW-7", subprotocols=PROTOCOLS)
        await asyncio.sleep(0.1)
    unknown = await eventually(lambda: odoo.of_kind("station.unknown"))
    assert [(e["station"], e["payload"]["subprotocols"]) for e in unknown] == [("NEW-7", "ocpp1.6")]
    assert bridge.rows("SELECT attempts FROM stranger")[0]["attempts"] >= 2


@pytest.mark.parametrize("path", ["", "/", "/ocpp/a%00b", "/ocpp/" + "x" * 300])
async def test_a_path_without_identity_is_not_found(secure: Secure, path: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        await connect(secure[0].url + path, subprotocols=PROTOCOLS)
    assert refusal.value.response.status_code == 404


async def test_a_client_that_never_finishes_its_handshake_is_cut_off(secure: Secure) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", secure[0].port)
    writer.write(b"GET /ocpp/CS-2 HTTP/1.1\r\nHost: x\r\n")  # and no more: a slow loris
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_message_above_the_limit_ends_the_connection(secure: Secure) -> None:
    station = await RawStation.open(secure[0].url, "CS-2")
    await station.send("DataTransfer", {"vendorId": "x", "data": "y" * 30_000})
    with pytest.raises(ConnectionClosed):
        await station.receive()
    assert station.socket.close_code == 1009


async def test_a_station_that_floods_is_slowed_down_and_loses_nothing(secure: Secure) -> None:
    station = await RawStation.open(secure[0].url, "CS-2")
    ids = [await station.send("Heartbeat", {}) for _ in range(40)]
    begun = asyncio.get_running_loop().time()
    assert [(await station.receive())[1] for _ in ids] == ids
    assert asyncio.get_running_loop().time() - begun > 0.5  # 20 of them at 20 a second
    await station.socket.close()
    with urllib.request.urlopen(f"http://127.0.0.1:{secure[0].port}/metrics") as page:
        text = page.read().decode()
    assert 'emobility_bridge_deviations_total{kind="slowed_down"}' in text
    assert "emobility_bridge_journal_entries_total" in text


async def test_a_station_without_the_upgrade_header_is_let_in(secure: Secure) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", secure[0].port)
    login = basic("CS-2", b"correct horse")["Authorization"]
    writer.write(
        "GET /ocpp/CS-2 HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Authorization: {login}\r\n\r\n".encode()
    )
    assert b" 101 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk=st.lists(st.binary(max_size=200), max_size=4))
def test_bytes_of_any_kind_do_not_harm_the_bridge(secure: Secure, junk: list[bytes]) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", secure[0].port), 5) as raw:
        raw.sendall(b"".join(junk))
    assert secure[0].health()["status"] == "ok"


async def test_messages_of_any_kind_are_answered_and_end_no_connection(secure: Secure) -> None:
    station = await RawStation.open(secure[0].url, "CS-2")
    for message_id, action, payload in (
        ("a", "StartTransaction", '{"idTag":{"x":[]},"connectorId":[],"timestamp":7}'),
        ("b", "MeterValues", '{"meterValue":"x"}'),
        ("c", "StopTransaction", '{"transactionId":{},"transactionData":{}}'),
        ("d", "StatusNotification", '{"connectorId":1e999}'),
        ("e", "BootNotification", '{"chargePointVendor":[[]]}'),
    ):
        await station.socket.send(f'[2,"{message_id}","{action}",{payload}]')
        assert (await station.receive())[:2] == [3, message_id]
    await station.socket.close()


@pytest.mark.parametrize("profile", [2, 3])
@pytest.mark.parametrize("fault", ["offline", "replay", "register-reset", "no-stop", "bad-clock"])
async def test_the_simulated_station_plays_its_faults_over_tls(
    secure: Secure, eventually: Eventually, profile: int, fault: str
) -> None:
    _bridge, odoo, authority, url = secure
    certificate, key, serial = authority.issue("CS-1")
    await set_profile(secure, eventually, profile, [serial])
    odoo.forget()
    proof = {"certificate": str(certificate), "key": str(key)} if profile == 3 else {"password": PASSWORD}
    plan = StationSettings(
        url, "CS-1", ocpp="2.0.1", ca=str(authority.ca), minutes=20, fault=fault, reconnect_pause=0.1, **proof
    )
    clock = {"clock": unset_clock} if fault == "bad-clock" else {}
    await asyncio.wait_for(Simulator(plan, **clock).run(TOKEN), 60)
    [uid] = [event["payload"]["session_uid"] for event in await eventually(lambda: odoo.of_kind("session.started"))]

    def said(kind: str) -> list[dict[str, Any]]:
        return [event["payload"] for event in odoo.of_kind(kind) if event["payload"]["session_uid"] == uid]

    await eventually(lambda: len(said("session.meter")) >= 3 if fault == "no-stop" else said("session.unplugged"))
    assert len(said("session.ended")) == (0 if fault == "no-stop" else 1)
    flagged = {conflict["reason"] for conflict in said("session.conflict")}
    assert flagged == ({"clock_implausible"} if fault == "bad-clock" else set())


def test_a_bridge_that_can_work_says_that_it_is_ready(secure: Secure) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{secure[0].port}/readyz") as page:
        assert (page.status, json.load(page)["status"]) == (200, "ok")
