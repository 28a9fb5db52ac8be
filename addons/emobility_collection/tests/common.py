"""A company that collects: a bank account, a creditor identifier, a customer with a mandate."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from lxml import etree

from odoo import Command, fields

from odoo.addons.emobility_billing.tests.common import ChargingCommon

IBAN = "DE89370400440532013000"
CUSTOMER_IBAN = "DE02120300000000202051"
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"
PAIN = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"


class CollectionCommon(ChargingCommon):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.company.currency_id = cls.euro
        cls.company.write(
            {
                "country_id": cls.env.ref("base.de").id,
                "sepa_creditor_identifier": "DE98ZZZ09999999999",
                "emobility_prenotification_days": 0,
                "emobility_debit_lead_days": 2,
                "email": "billing@operator.example",
            }
        )
        cls.bank = cls.company_data["default_journal_bank"]
        cls.bank.bank_account_id = cls.env["res.partner.bank"].create(
            {"acc_number": IBAN, "partner_id": cls.company.partner_id.id, "company_id": cls.company.id}
        )
        cls.company._emobility_set_up_debit()
        cls.contract.billing_trigger = "session"
        cls.contract.payment_term_id = cls.env.ref("account.account_payment_term_immediate")

    @classmethod
    def _sign(cls, contract: Any = None) -> Any:
        return cls.env["account.banking.mandate"]._sign(
            contract or cls.contract,
            CUSTOMER_IBAN,
            "Dana Driver",
            {"signed_at": fields.Datetime.now(), "signed_name": "Dana Driver", "signed_ip": "192.0.2.7"},
        )

    def charge(self, name: str = "S1", **values: Any) -> Any:
        """The posted invoice of a session of 10 kWh (4.90 EUR), after the sessions before it."""
        number = next(self._uids)
        start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=20) + timedelta(hours=number)
        events = self.events(name, start, minutes=30, register=str(1000 + 10 * number), **values)
        return self.ingest(events).cdr_ids.rating_ids.move_id

    def open_invoice(self, contract: Any = None, amount: float = 100.0, due: Any = None) -> Any:
        """A posted invoice of a contract that nobody has tried to collect yet."""
        contract = contract or self.contract
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": contract._payer().id,
                "emobility_contract_id": contract.id,
                "invoice_date": due or fields.Date.today(),
                "invoice_date_due": due or fields.Date.today(),
                "currency_id": self.euro.id,
                "company_id": self.company.id,
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Energy", "quantity": 1, "price_unit": amount, "tax_ids": [Command.clear()]}
                    )
                ],
            }
        )
        move.action_post()
        return move

    def collect(self, moves: Any) -> Any:
        """The order of these invoices, as if the bank had its file."""
        order = moves._emobility_collect_by_debit(fields.Date.today())
        order.generated2uploaded()
        return order

    def pay(self, move: Any) -> None:
        """A transfer of all that is open."""
        self.env["account.payment.register"].with_context(active_model="account.move", active_ids=move.ids).create(
            {"journal_id": self.bank.id}
        )._create_payments()

    def return_file(self, order: Any, reason: str, *, kind: str = "camt", name: str = "bank.xml") -> Any:
        """The bank sends back every debit of the order that it was given."""
        debits = debits_of(order)
        make = camt if kind == "camt" else pain
        with self.running_jobs():
            return self.env["emobility.return.file"]._import(name, make(debits, reason), self.company)

    def ready_wallet(self, balance: float = 0.0) -> Any:
        """The wallet of the contract, which is prepaid, with an amount on it."""
        self.company._emobility_set_up_wallets()
        self.contract.is_prepaid = True
        wallet = self.contract._wallet()
        if balance:
            self.top_up(wallet, balance)
        return wallet

    def top_up(self, wallet: Any, amount: float) -> Any:
        """The payer pays by card in the portal."""
        token = self._make_payment_token(self.contract)
        self.contract.payment_token_id = False
        transaction = self.env["payment.transaction"].create(
            {
                "provider_id": token.provider_id.id,
                "payment_method_id": token.payment_method_id.id,
                "reference": f"TOPUP-{next(self._uids)}",
                "amount": amount,
                "currency_id": self.euro.id,
                "partner_id": wallet.partner_id.id,
                "token_id": token.id,
                "operation": "online_token",
                "emobility_wallet_id": wallet.id,
            }
        )
        with self.running_jobs():
            transaction._charge_with_token()
            transaction._post_process()
        return transaction


def debits_of(order: Any) -> list[dict[str, str]]:
    """Reference, amount and mandate of each debit, read from the file that the bank was given."""
    root = etree.fromstring(order.payment_file_id.raw)
    space = {"p": root.nsmap[None]}
    return [
        {
            "reference": node.findtext("p:PmtId/p:EndToEndId", namespaces=space),
            "amount": node.findtext("p:InstdAmt", namespaces=space),
            "mandate": node.findtext("p:DrctDbtTx/p:MndtRltdInf/p:MndtId", namespaces=space),
        }
        for node in root.iterfind(".//p:DrctDbtTxInf", space)
    ]


def camt(debits: list[dict[str, str]], reason: str, on: date | None = None) -> bytes:
    """A camt.054 with returns: the bank adds its charges of 3.00 to the amount of the entry."""
    day = on or date.today()
    entries = "".join(
        f"""<Ntry><Amt Ccy="EUR">{float(debit["amount"]) + 3:.2f}</Amt><CdtDbtInd>DBIT</CdtDbtInd>
        <BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls>
        <Refs><EndToEndId>{debit["reference"]}</EndToEndId><MndtId>{debit.get("mandate", "")}</MndtId></Refs>
        <AmtDtls><InstdAmt><Amt Ccy="EUR">{debit["amount"]}</Amt></InstdAmt></AmtDtls>
        <Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">3.00</TtlChrgsAndTaxAmt></Chrgs>
        <RltdPties><Dbtr><Pty><Nm>Dana Driver</Nm></Pty></Dbtr>
        <DbtrAcct><Id><IBAN>{CUSTOMER_IBAN}</IBAN></Id></DbtrAcct></RltdPties>
        <RtrInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>as reported</AddtlInf></RtrInf>
        </TxDtls></NtryDtls></Ntry>"""
        for debit in debits
    )
    return (
        f'<Document xmlns="{CAMT}"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>1</MsgId></GrpHdr>'
        f"<Ntfctn><Id>1</Id>{entries}</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>"
    ).encode()


def pain(debits: list[dict[str, str]], reason: str) -> bytes:
    """A pain.002 with rejected debits."""
    transactions = "".join(
        f"""<TxInfAndSts><OrgnlEndToEndId>{debit["reference"]}</OrgnlEndToEndId><TxSts>RJCT</TxSts>
        <StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>
        <OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{debit["amount"]}</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>"""
        for debit in debits
    )
    return (
        f'<Document xmlns="{PAIN}"><CstmrPmtStsRpt><GrpHdr><MsgId>1</MsgId><CreDtTm>{date.today()}T10:00:00</CreDtTm>'
        "</GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>X</OrgnlMsgId><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>L</OrgnlPmtInfId>{transactions}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"
    ).encode()
