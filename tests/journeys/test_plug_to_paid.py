"""From the plug to the paid invoice over real processes: Odoo, PostgreSQL, the bridge, a station, a mail server."""

from __future__ import annotations

import subprocess
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from waiting import wait_until

from runner.demo import play
from runner.stack import Stack

VERSIONS = {"1.6": 0, "2.0.1": 1}


def station_of(product: Stack, version: str) -> dict[str, Any]:
    station: dict[str, Any] = product.seed["stations"][VERSIONS[version]]
    assert station["ocpp"] == version
    return station


def sessions_at(product: Stack, version: str, bay: int) -> list[dict[str, Any]]:
    reference = f"{station_of(product, version)['identity']} bay {bay}"
    rows: list[dict[str, Any]] = product.clerk(
        "emobility.session", "search_read", [("evse_id.physical_reference", "=", reference), ("source", "=", "ocpp")],
        fields=["state", "energy_kwh", "cdr_ids"],
    )  # fmt: skip
    return rows


def charge_slowly(product: Stack, version: str, bay: int) -> subprocess.Popen[str]:
    """A session of 30 simulated minutes that takes about 20 seconds."""
    command = product.station_command(
        station_of(product, version), "--evse", str(bay), "--energy-kwh", "9.5", "--minutes", "30", "--time-scale", "90"
    )
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def assert_paid_once(product: Stack, version: str, bay: int) -> None:
    """One session, one CDR, one paid invoice, and the energy that the station measured."""
    [session] = wait_until("the session has a CDR", lambda: [
        row for row in sessions_at(product, version, bay) if row["cdr_ids"]])
    assert len(sessions_at(product, version, bay)) == 1
    assert len(session["cdr_ids"]) == 1
    assert session["energy_kwh"] == pytest.approx(9.5)
    domain = [("rating_ids.cdr_id.session_id", "=", session["id"])]
    wait_until("the invoice is paid", lambda: product.clerk(
        "account.move", "search_count", [*domain, ("payment_state", "=", "paid")]))
    assert product.clerk("account.move", "search_count", domain) == 1


@pytest.mark.parametrize("version", list(VERSIONS))
def test_a_session_becomes_a_paid_invoice_with_pdf_and_mail(product: Stack, version: str) -> None:
    result = play(product, station_of(product, version))
    assert result["payment_state"] == "paid"
    assert float(result["energy_kwh"]) == pytest.approx(14.1)
    text = "\n".join(page.extract_text() for page in PdfReader(result["pdf"]).pages)
    assert result["invoice"] in text
    assert "Rathausplatz" in text
    assert result["total"] in text.replace(",", ".")
    mail = message_from_bytes(Path(result["mail"]).read_bytes(), policy=default)
    pdfs = [part for part in mail.iter_attachments() if (part.get_filename() or "").endswith(".pdf")]
    assert len(pdfs) == 1
    assert pdfs[0].get_content() == Path(result["pdf"]).read_bytes()


def test_killing_odoo_during_the_session_loses_nothing(product: Stack) -> None:
    station = charge_slowly(product, "1.6", bay=2)
    wait_until("the session is live in Odoo", lambda: sessions_at(product, "1.6", 2))
    product.odoo.kill()
    output, _ = station.communicate(timeout=120)
    assert station.returncode == 0, output
    product.odoo.start().wait_until_healthy()
    assert_paid_once(product, "1.6", bay=2)


def test_killing_the_bridge_during_the_session_loses_nothing(product: Stack) -> None:
    station = charge_slowly(product, "2.0.1", bay=2)
    wait_until("the session is live in Odoo", lambda: sessions_at(product, "2.0.1", 2))
    product.bridge.kill()
    product.bridge.start().wait_until_healthy()
    output, _ = station.communicate(timeout=120)
    assert station.returncode == 0, output
    assert_paid_once(product, "2.0.1", bay=2)


