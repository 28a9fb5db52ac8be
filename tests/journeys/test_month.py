"""A whole month, from real charging sessions to the closed books, as clerk and accountant live it.

The sessions are those of Perth & Kinross Council in October 2016, in which the clocks were put back; nine customers pay
for one site each, every one in another way (`month_seed.py`). The file is not part of the project: where it is
missing, the month is skipped. The tests follow each other, as the days of the month do.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from browser import DESKTOP, PATIENCE, page_for, picture
from lxml import etree
from playwright.sync_api import Page, expect
from waiting import wait_until

from runner import odoo
from runner.paths import ADDONS, ROOT, RUNTIME
from runner.stack import Stack, stack

SOURCE = ROOT.parent / "shared" / "data" / "perth_kinross_2016_17.csv"
MONTH, NEXT_MONTH, INVOICED, DUE = "2016-10", "2016-11-01", "2016-11-01", "2016-11-15"
REMINDERS = ("2016-11-21", "2016-12-02")  # 6 days after the due date, and 11 after that
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
DEBIT_ORDERS = "account_payment_batch_oca.account_payment_order_inbound_action"
PAID = ("paid", "in_payment")
FEE = 11.78  # of a month, with taxes
MINUTES = 8 * 60
expect.set_options(timeout=PATIENCE)


@dataclass
class Month:
    """The running product, and what the month is about."""

    product: Stack
    page: Page
    file: Path
    rows: int
    contracts: dict[str, int]
    run: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """As the buttons of the back office do."""
        answer = self.page.request.post(
            f"{self.product.odoo_url}/web/dataset/call_kw/{model}/{method}", timeout=PATIENCE,
            data={"jsonrpc": "2.0", "params": {"model": model, "method": method, "args": args, "kwargs": kwargs}},
        ).json()  # fmt: skip
        assert "error" not in answer, f"{model}.{method}: {answer['error']['data']['debug']}"
        return answer.get("result")

    def read(self, model: str, domain: list[Any], *names: str, **kwargs: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.call(model, "search_read", domain, fields=list(names), **kwargs)
        return rows

    @property
    def ids(self) -> list[int]:
        return list(self.contracts.values())

    @property
    def moves(self) -> list[int]:
        """The invoices that the run made."""
        lines = self.read("emobility.billing.run.line", [("run_id", "=", self.run)], "move_id")
        return [line["move_id"][0] for line in lines]

    @property
    def corrections(self) -> list[int]:
        """Credit notes and invoices that corrected them."""
        found: list[int] = self.call("account.move", "search", [("emobility_correction_id.payer_ids", "!=", False)])
        return found

    def sum(self, model: str, domain: list[Any], name: str) -> float:
        [group] = self.call(model, "formatted_read_group", domain, [], [f"{name}:sum"])
        return round(group[f"{name}:sum"] or 0.0, 2)

    def invoice(self, pays: str) -> dict[str, Any]:
        """The invoice that the run made for this customer, as it is now."""
        names = ("name", "amount_total", "amount_residual", "payment_state", "payment_reference", "partner_id",
                 "invoice_date", "invoice_date_due", "invoice_pdf_report_id")  # fmt: skip
        [line] = self.read("emobility.billing.run.line", [("run_id", "=", self.run),
                                                          ("contract_id", "=", self.contracts[pays])], "move_id")
        [move] = self.call("account.move", "read", [line["move_id"][0]], fields=list(names))
        return move  # type: ignore[no-any-return]

    def contract(self, pays: str) -> dict[str, Any]:
        names = ["charging_state", "suspension_reason"]
        [row] = self.call("contract.contract", "read", [self.contracts[pays]], fields=names)
        return row  # type: ignore[no-any-return]

    def mails_to(self, address: str) -> list[Any]:
        found = []
        for file in sorted(self.product.mail_folder.glob("*.eml")):
            message = message_from_bytes(file.read_bytes(), policy=default)
            if address in str(message["to"]):
                found.append(message)
        return found

    def send_mails(self) -> None:
        """What Odoo does every hour."""
        [cron] = self.read("ir.model.data", [("module", "=", "mail"), ("name", "=", "ir_cron_mail_scheduler_action")],
                           "res_id")
        self.call("ir.cron", "method_direct_trigger", [cron["res_id"]])

    def transfer(self, move: dict[str, Any], amount: float) -> None:
        """A line of the bank's statement with the reference of this invoice, as customers write it."""
        [journal] = self.call("account.journal", "search", [("type", "=", "bank")], limit=1)
        self.call("account.bank.statement.line", "create", {
            "journal_id": journal, "amount": amount, "date": "2016-12-05",
            "payment_ref": f"Rechnung vielen Dank {move['payment_reference']}",
        })  # fmt: skip


@pytest.fixture(scope="module")
def product() -> Iterator[Stack]:
    """A database of its own: a month of other people's sessions would be in the way of the other journeys."""
    with stack("emobility_month", fresh=True, ports=8600) as running:
        yield running


@pytest.fixture(scope="module")
def page(product: Stack) -> Iterator[Page]:
    with page_for(product, "admin", DESKTOP) as opened:
        yield opened


@pytest.fixture(scope="module")
def month(product: Stack, page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """The rows of one month, those whose start cannot be read included."""
    if not SOURCE.exists():
        pytest.skip(f"{SOURCE.name} is not here")
    file = tmp_path_factory.mktemp("month") / "perth-2016-10.csv"
    with SOURCE.open(newline="") as source, file.open("w", newline="") as out:
        reader = csv.DictReader(source)
        assert reader.fieldnames
        rows = [row for row in reader if row["Start Date"][:7] == MONTH or not row["Start Date"][:4].isdigit()]
        writer = csv.DictWriter(out, reader.fieldnames)
        writer.writeheader()
        writer.writerows(rows)
    result = RUNTIME / "month-contracts.json"
    odoo.run_script(RUNTIME / f"{product.database}.conf", product.database,
                    (Path(__file__).parent / "month_seed.py").read_text(), {"EMOBILITY_RESULT": str(result)},
                    log="month-seed")
    yield Month(product, page, file, len(rows), json.loads(result.read_text()))


def open_record(month: Month, action: str, record: int, picture_name: str | None = None) -> None:
    month.page.goto(f"{month.product.odoo_url}/odoo/action-{action}/{record}")
    expect(month.page.locator(".o_form_view")).to_be_visible()
    if picture_name:
        picture(month.page, picture_name)


def take_in(month: Month) -> dict[str, int]:
    """Runs the import command; returns the numbers of its last sentence."""
    database = month.product.database
    done = subprocess.run(
        odoo.command(f"--addons-path={ADDONS}", "import_sessions", "-c", str(RUNTIME / f"{database}.conf"), "-d",
                     database, "-p", "perth_kinross", str(month.file)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) rows: (\d+) known before, (\d+) with problems. (\d+) sessions: (\d+) CDRs, (\d+) held",
                      done.stdout)
    assert found, done.stdout
    names = ("rows", "known", "problems", "sessions", "cdrs", "held")
    return dict(zip(names, map(int, found.groups()), strict=True))


def test_every_row_becomes_a_cdr_or_a_hold_and_a_second_time_nothing(month: Month) -> None:
    first = take_in(month)
    assert (first["rows"], first["sessions"], first["known"]) == (month.rows, month.rows, 0)
    # A session that Odoo's own jobs were at in the same moment is left to them.
    wait_until("every row is a CDR or a hold", lambda: month.call("emobility.session", "search_count", [
        ("source", "=", "import"), ("state", "in", ("done", "held"))]) == month.rows, MINUTES)
    assert first["cdrs"] > month.rows * 0.8
    assert first["problems"] > 0, "the month has the hour that came twice"

    tables = ("emobility.session", "emobility.session.event", "emobility.hold", "emobility.cdr", "emobility.rating",
              "emobility.location", "emobility.evse")  # fmt: skip
    before = {model: month.call(model, "search_count", []) for model in tables}
    [profile] = month.call("emobility.import.profile", "search", [("code", "=", "perth_kinross")])
    again = month.call("emobility.session.import", "create", {
        "name": month.file.name, "profile_id": profile, "file": base64.b64encode(month.file.read_bytes()).decode(),
    })  # fmt: skip
    month.call("emobility.session.import", "action_import", [again])
    wait_until("the file is taken in again", lambda: month.read(
        "emobility.session.import", [("id", "=", again), ("state", "=", "done")], "state"), MINUTES)
    [seen] = month.call("emobility.session.import", "read", [again], fields=["duplicate_count"])
    assert seen["duplicate_count"] == month.rows
    assert {model: month.call(model, "search_count", []) for model in tables} == before
    open_record(month, "emobility_billing.action_session_import", again, "month-1-import")
    month.page.goto(f"{month.product.odoo_url}/odoo/action-emobility_billing.action_hold")
    expect(month.page.locator(".o_list_view, .o_kanban_view, .o_graph_view").first).to_be_visible()
    picture(month.page, "month-1-held")


def test_the_run_makes_an_invoice_for_each_site_with_pdf_and_mail_that_adds_up(month: Month) -> None:
    page = month.page
    month.run = month.call("emobility.billing.run", "create", {"date_to": NEXT_MONTH, "invoice_date": INVOICED})
    open_record(month, "emobility_billing.action_billing_run", month.run)
    page.click("button[name=action_prepare]")
    expect(page.locator("button[name=action_start]")).to_be_visible()
    picture(page, "month-2-run-prepared")
    page.click("button[name=action_start]")
    wait_until("the run is done", lambda: month.read(
        "emobility.billing.run", [("id", "=", month.run), ("state", "=", "done")], "name"), MINUTES)

    lines = month.read("emobility.billing.run.line", [("run_id", "=", month.run)], "rated_amount", "move_id", "error")
    assert len(lines) == len(month.contracts), "an invoice for each site"
    for line in lines:
        ratings = month.sum("emobility.rating", [("move_id", "=", line["move_id"][0])], "amount_total")
        fee = month.sum("account.move.line", [("move_id", "=", line["move_id"][0]), ("contract_line_id", "!=", False)],
                        "price_total")
        [move] = month.call("account.move", "read", [line["move_id"][0]], fields=["amount_total", "session_count"])
        assert fee == FEE, "the base fee of October is on the same invoice"
        assert round(line["rated_amount"], 2) == ratings
        assert round(move["amount_total"], 2) == round(ratings + fee, 2)
    open_ratings = [("state", "=", "open"), ("end_at", "<", NEXT_MONTH), ("contract_id", "in", month.ids)]
    assert month.call("emobility.rating", "search_count", open_ratings) == 0

    for pays in month.contracts:
        mails = wait_until(f"the mail to {pays} with its invoice", lambda to=pays: [
            mail for mail in month.mails_to(f"{to}@example.com") if any(
                str(part.get_filename()).endswith(".pdf") for part in mail.iter_attachments())
            and month.invoice(to)["name"] in str(mail["subject"])], MINUTES)  # fmt: skip
        assert len(mails) == 1, "one mail for each invoice"
    open_record(month, "emobility_billing.action_billing_run", month.run, "month-2-run-done")
    open_record(month, "emobility_billing.action_charging_invoice", month.invoice("debit")["id"], "month-2-invoice")


def test_cards_balances_transfers_and_debits_pay_the_invoices(month: Month) -> None:
    for pays in ("card", "prepaid"):
        paid = wait_until(f"{pays} has paid", lambda who=pays: month.invoice(who)["payment_state"] in PAID, MINUTES)
        assert paid
        assert month.invoice(pays)["amount_residual"] == 0
    declined = month.invoice("declined")
    assert declined["payment_state"] == "not_paid"
    wait_until("the decline is on the work list", lambda: month.read(
        "account.move", [("id", "=", declined["id"]), ("emobility_next_attempt_on", "!=", False)], "name"))

    for pays in ("debit", "returned"):
        assert month.invoice(pays)["payment_state"] == "not_paid", "nothing is collected before the bank has the file"
    action = month.call("account.move", "action_emobility_collect",
                        [month.invoice("debit")["id"], month.invoice("returned")["id"]])
    [order] = month.read("account.payment.order", action["domain"], "payment_file_id", "total_company_currency")
    total = month.invoice("debit")["amount_total"] + month.invoice("returned")["amount_total"]
    assert order["total_company_currency"] == pytest.approx(total)
    [file] = month.call("ir.attachment", "read", [order["payment_file_id"][0]], fields=["datas"])
    pain = etree.fromstring(base64.b64decode(file["datas"]))
    assert pain.findtext(".//{*}GrpHdr/{*}CtrlSum") == f"{total:.2f}"
    month.notes["debits"] = {
        node.findtext("{*}Dbtr/{*}Nm"): (node.findtext("{*}PmtId/{*}EndToEndId"), node.findtext("{*}InstdAmt"))
        for node in pain.iterfind(".//{*}DrctDbtTxInf")
    }
    open_record(month, DEBIT_ORDERS, order["id"], "month-3-debit-order")
    month.call("account.payment.order", "generated2uploaded", [order["id"]])
    for pays in ("debit", "returned"):
        assert month.invoice(pays)["payment_state"] in PAID

    invoice = month.invoice("transfer")
    month.transfer(invoice, invoice["amount_total"])
    assert month.invoice("transfer")["payment_state"] in PAID


def test_a_returned_debit_blocks_the_contract_until_the_customer_has_paid(month: Month) -> None:
    [(reference, amount)] = [debit for name, debit in month.notes["debits"].items() if "Pflege" in name]
    content = base64.b64encode(camt(reference, amount, "AM04")).decode()
    for _time in range(2):  # banks send the same file twice
        wizard = month.call("emobility.return.import", "create", {"file": content, "file_name": "camt054.xml"})
        month.call("emobility.return.import", "action_import", [wizard])
    [item] = month.read("emobility.return.item", [("end_to_end", "=", reference)], "state", "reason_id", "fee_move_id")
    assert item["state"] == "booked"
    invoice = month.invoice("returned")
    assert (invoice["payment_state"], invoice["amount_residual"]) == ("not_paid", invoice["amount_total"])
    assert month.contract("returned")["charging_state"] == "suspended"
    [fee] = month.call("account.move", "read", [item["fee_move_id"][0]], fields=["amount_total", "payment_reference"])
    assert fee["amount_total"] == 4.50
    month.send_mails()
    wait_until("the customer is told", lambda: [
        mail for mail in month.mails_to("returned@example.com") if "debit" in str(mail["subject"]).lower()], MINUTES)
    open_record(month, "emobility_collection.action_return_item", item["id"], "month-4-returned-debit")

    month.transfer(invoice, invoice["amount_total"])
    month.transfer(fee, fee["amount_total"])
    assert month.invoice("returned")["payment_state"] in PAID
    assert month.contract("returned")["charging_state"] == "active"


def test_a_wrong_price_is_corrected_by_credit_note_and_new_invoice(month: Month) -> None:
    before = month.invoice("correction")
    [version] = month.call("emobility.tariff.version", "search", [("tariff_id.code", "=", "MONTH-AGREED")])
    correction = month.call("emobility.correction", "create", {
        "kind": "rerate", "reason": "price", "note": "The agreed price had not been entered.", "version_id": version,
        "date_from": f"{MONTH}-01", "date_to": NEXT_MONTH, "payer_ids": [(6, 0, [before["partner_id"][0]])],
    })  # fmt: skip
    month.call("emobility.correction", "action_prepare", [correction])
    wait_until("the difference is calculated", lambda: month.read(
        "emobility.correction", [("id", "=", correction), ("state", "=", "ready")], "name"), MINUTES)
    [seen] = month.call("emobility.correction", "read", [correction],
                        fields=["old_total", "new_total", "difference", "line_count"])
    assert seen["difference"] == pytest.approx(seen["new_total"] - seen["old_total"])
    assert seen["difference"] < 0
    open_record(month, "emobility_billing.action_correction", correction, "month-5-correction")
    month.call("emobility.correction", "action_apply", [correction])
    wait_until("the correction is done", lambda: month.read(
        "emobility.correction", [("id", "=", correction), ("state", "=", "done")], "name"), MINUTES)

    documents = wait_until("both documents are posted", lambda: [] if month.call(
        "account.move", "search_count", [("emobility_correction_id", "=", correction), ("state", "!=", "posted")])
        else month.read("account.move", [("emobility_correction_id", "=", correction)], "move_type", "amount_total",
                        "payment_reference"), MINUTES)  # fmt: skip
    [note] = [move for move in documents if move["move_type"] == "out_refund"]
    [invoice] = [move for move in documents if move["move_type"] == "out_invoice"]
    assert note["amount_total"] == pytest.approx(seen["old_total"])
    assert invoice["amount_total"] == pytest.approx(seen["new_total"])
    wait_until("the credit note is set off: of the old invoice only the base fee is open", lambda: month.invoice(
        "correction")["amount_residual"] == pytest.approx(FEE), MINUTES)
    after = month.invoice("correction")
    assert after["amount_total"] == before["amount_total"], "an issued document never changes"
    month.transfer(invoice, invoice["amount_total"])
    month.transfer(after, after["amount_residual"])
    assert month.invoice("correction")["payment_state"] in PAID


def test_who_does_not_pay_is_reminded_blocked_and_unblocked_by_the_payment(month: Month) -> None:
    [plan_for] = [month.invoice("instalments")]
    plan = month.call("emobility.instalment.plan", "create", {
        "partner_id": plan_for["partner_id"][0], "move_ids": [(6, 0, [plan_for["id"]])], "count": 3,
    })  # fmt: skip
    month.call("emobility.instalment.plan", "action_start", [plan])
    open_record(month, "emobility_collection.action_instalment_plan", plan, "month-6-instalments")

    owing = month.invoice("never")
    for number, day in enumerate(REMINDERS, 1):
        run = month.call("credit.control.run", "create", {"date": day})
        for step in ("generate_credit_lines", "set_to_ready_lines", "run_channel_action"):
            month.call("credit.control.run", step, [run])
        month.send_mails()
        reminded = month.read("credit.control.line", [("run_id", "=", run)], "partner_id", "level", "balance_due")
        names = {row["partner_id"][1] for row in reminded}
        assert owing["partner_id"][1] in names
        assert plan_for["partner_id"][1] not in names, "a plan that is kept is time that was given"
        wait_until(f"reminder {number} arrives", lambda count=number: len([
            mail for mail in month.mails_to("never@example.com") if owing["name"] not in str(mail["subject"])
        ]) >= count, MINUTES)  # fmt: skip
        month.notes[day] = sorted(names)
    assert month.contract("never")["charging_state"] == "suspended"
    open_record(month, "emobility_crm.action_charging_contract", month.contracts["never"], "month-6-blocked")
    month.transfer(owing, owing["amount_total"])
    assert month.contract("never")["charging_state"] == "active"


def test_the_books_of_the_month_close_and_every_cent_is_accounted_for(month: Month) -> None:
    first, last = f"{MONTH}-01", f"{MONTH}-31"
    accrual = month.call("emobility.accrual", "create", {"month": first})
    month.call("emobility.accrual", "action_prepare", [accrual])
    [accrued] = month.call("emobility.accrual", "read", [accrual], fields=["accrued", "deferred"])
    invoiced = [("move_id", "in", [*month.moves, *month.corrections]), ("display_type", "=", "product")]
    net = -month.sum("account.move.line", invoiced, "balance")
    assert accrued["accrued"] == pytest.approx(net), "usage and fees of October were invoiced later"
    open_record(month, "emobility_reporting.action_accrual", accrual, "month-7-accrual")

    export = month.call("emobility.datev.export", "create", {"date_from": NEXT_MONTH, "date_to": "2016-11-30"})
    month.call("emobility.datev.export", "action_export", [export])
    [made] = month.call("emobility.datev.export", "read", [export], fields=["file", "file_name"])
    rows = list(csv.reader(io.StringIO(base64.b64decode(made["file"]).decode("cp1252")), delimiter=";"))
    month.notes["datev"] = [made["file_name"], len(rows)]
    amount, side = rows[1].index("Umsatz (ohne Soll/Haben-Kz)"), rows[1].index("Soll/Haben-Kennzeichen")
    booked = sum((1 if row[side] == "S" else -1) * float(row[amount].replace(",", ".")) for row in rows[2:])
    invoiced = month.sum("account.move", [("invoice_date", ">=", NEXT_MONTH), ("invoice_date", "<=", "2016-11-30"),
                                          ("state", "=", "posted")], "amount_total_in_currency_signed")  # fmt: skip
    assert booked == pytest.approx(invoiced), "the tax adviser gets what was invoiced"

    proof = month.call("emobility.reconciliation.proof", "create", {"date_from": first, "date_to": last})
    month.call("emobility.reconciliation.proof", "action_prove", [proof])
    [proved] = month.call("emobility.reconciliation.proof", "read", [proof], fields=["is_complete"])
    assert proved["is_complete"], "each whole is the sum of its parts"
    open_record(month, "emobility_reporting.action_reconciliation_proof", proof, "month-7-proof")
    month.page.goto(f"{month.product.odoo_url}/odoo/action-emobility_reporting.action_reconciliation_break")
    expect(month.page.locator(".o_list_view, .o_view_nocontent").first).to_be_visible()
    picture(month.page, "month-7-breaks")
    since = [("since", ">=", first), ("since", "<", "2016-12-01")]
    breaks = month.read("emobility.reconciliation.break", since, "kind")
    month.notes["breaks"] = sorted({row["kind"] for row in breaks})

    report = month.call("emobility.monthly.report", "create", {"month": first})
    open_record(month, "emobility_reporting.action_monthly_report", report, "month-7-report")
    month.page.goto(f"{month.product.odoo_url}/odoo/action-emobility_reporting.action_audit_trail")
    expect(month.page.locator(".o_list_view .o_data_row, .o_list_view .o_group_header").first).to_be_visible()
    picture(month.page, "month-7-audit-trail")


def camt(reference: str, amount: str, reason: str) -> bytes:
    """What the bank says about a debit that it could not collect."""
    return (
        f'<Document xmlns="{CAMT}"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>1</MsgId></GrpHdr><Ntfctn><Id>1</Id><Ntry>'
        f'<Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2016-11-18</Dt></BookgDt><NtryDtls>'
        f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>"
        f'<AmtDtls><InstdAmt><Amt Ccy="EUR">{amount}</Amt></InstdAmt></AmtDtls>'
        f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf></TxDtls></NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()
