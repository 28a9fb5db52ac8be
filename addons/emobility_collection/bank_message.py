"""What a bank reports about direct debits that were not paid: camt.052/053/054 and pain.002.

Plain Python: bytes in, transactions out. The namespaces of the messages differ by version and country, so that
elements are found by their local names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree

NOT_PROVIDED = "NOTPROVIDED"
REJECTED = "RJCT"


class MessageError(ValueError):
    """The file is not a message that reports returned or rejected direct debits."""


@dataclass(frozen=True)
class Returned:
    """One debit that came back.

    Of a rejected group only its name is known: ``lot`` (payment information) or ``order`` (message).
    """

    kind: str  # camt, pain
    end_to_end: str = ""
    lot: str = ""
    order: str = ""
    reason: str = ""
    text: str = ""
    amount: Decimal | None = None
    charges: Decimal = Decimal(0)
    currency: str = ""
    on: date | None = None
    debtor: str = ""
    iban: str = ""
    mandate: str = ""


def read(content: bytes) -> list[Returned]:
    """The returned and rejected debits of a file, in its order; bookings of another kind are left out.

    :raises MessageError: when the file is something else
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise MessageError(str(error)) from error
    names = {etree.QName(child).localname for child in root if isinstance(child.tag, str)}
    if names & {"BkToCstmrDbtCdtNtfctn", "BkToCstmrStmt", "BkToCstmrAcctRpt"}:
        return list(_camt(root))
    if "CstmrPmtStsRpt" in names:
        return list(_pain(root))
    raise MessageError("neither camt.052, camt.053, camt.054 nor pain.002")


def _camt(root: etree._Element) -> Iterator[Returned]:
    for entry in _all(root, "Ntry"):
        booked = _date(_text(entry, "BookgDt", "Dt") or _text(entry, "BookgDt", "DtTm"))
        for details in _all(entry, "TxDtls"):
            returned = _first(details, "RtrInf")
            if returned is None:
                continue
            amount, currency = _camt_amount(details, entry)
            yield Returned(
                kind="camt",
                end_to_end=_reference(_text(details, "Refs", "EndToEndId")),
                reason=_text(returned, "Rsn", "Cd") or _text(returned, "Rsn", "Prtry"),
                text=_text(returned, "AddtlInf"),
                amount=amount,
                charges=sum((_decimal(one.text) for one in _charges(details)), Decimal(0)),
                currency=currency,
                on=booked,
                debtor=_text(details, "RltdPties", "Dbtr", "Nm") or _text(details, "RltdPties", "Dbtr", "Pty", "Nm"),
                iban=_text(details, "RltdPties", "DbtrAcct", "Id", "IBAN"),
                mandate=_text(details, "Refs", "MndtId"),
            )


def _camt_amount(details: etree._Element, entry: etree._Element) -> tuple[Decimal | None, str]:
    """The amount of the debit itself: banks add their charges to the amount of the entry."""
    for path in (("AmtDtls", "InstdAmt", "Amt"), ("AmtDtls", "TxAmt", "Amt"), ("Amt",)):
        found = _first(details, *path)
        if found is not None:
            return _decimal(found.text), found.get("Ccy", "")
    found = _first(entry, "Amt")
    return (None, "") if found is None else (_decimal(found.text), found.get("Ccy", ""))


def _charges(details: etree._Element) -> list[etree._Element]:
    charges = _first(details, "Chrgs")
    if charges is None:
        return []
    total = _first(charges, "TtlChrgsAndTaxAmt")
    return [total] if total is not None else _all(charges, "Amt")


def _pain(root: etree._Element) -> Iterator[Returned]:
    created = _date(_text(root, "CstmrPmtStsRpt", "GrpHdr", "CreDtTm"))
    group = _first(root, "CstmrPmtStsRpt", "OrgnlGrpInfAndSts")
    infos = _all(root, "OrgnlPmtInfAndSts")
    if group is not None and _text(group, "GrpSts") == REJECTED and not infos:
        yield Returned(kind="pain", order=_text(group, "OrgnlMsgId"), on=created, **_status_reason(group))
    for info in infos:
        transactions = _all(info, "TxInfAndSts")
        if _text(info, "PmtInfSts") == REJECTED and not transactions:
            yield Returned(kind="pain", lot=_text(info, "OrgnlPmtInfId"), on=created, **_status_reason(info))
        for one in transactions:
            if _text(one, "TxSts") not in (REJECTED, "") or _first(one, "StsRsnInf") is None:
                continue
            amount = _first(one, "OrgnlTxRef", "Amt", "InstdAmt")
            yield Returned(
                kind="pain",
                end_to_end=_reference(_text(one, "OrgnlEndToEndId")),
                amount=None if amount is None else _decimal(amount.text),
                currency="" if amount is None else amount.get("Ccy", ""),
                on=created,
                debtor=_text(one, "OrgnlTxRef", "Dbtr", "Nm"),
                iban=_text(one, "OrgnlTxRef", "DbtrAcct", "Id", "IBAN"),
                mandate=_text(one, "OrgnlTxRef", "MndtRltdInf", "MndtId"),
                **_status_reason(one),
            )


def _status_reason(node: etree._Element) -> dict[str, str]:
    reason = _first(node, "StsRsnInf")
    if reason is None:
        return {}
    return {
        "reason": _text(reason, "Rsn", "Cd") or _text(reason, "Rsn", "Prtry"),
        "text": _text(reason, "AddtlInf"),
    }


def _reference(text: str) -> str:
    return "" if text == NOT_PROVIDED else text


def _all(node: etree._Element, name: str) -> list[etree._Element]:
    return [one for one in node.iter() if isinstance(one.tag, str) and etree.QName(one).localname == name]


def _first(node: etree._Element, *path: str) -> etree._Element | None:
    """The first element that is reached by a path of children."""
    found: etree._Element | None = node
    for name in path:
        if found is None:
            return None
        found = next((one for one in found if isinstance(one.tag, str) and etree.QName(one).localname == name), None)
    return found


def _text(node: etree._Element, *path: str) -> str:
    found = _first(node, *path)
    return "" if found is None else (found.text or "").strip()


def _decimal(text: str | None) -> Decimal:
    try:
        return Decimal((text or "").strip())
    except InvalidOperation as error:
        raise MessageError(f"not an amount: {text!r}") from error


def _date(text: str) -> date | None:
    return date.fromisoformat(text[:10]) if text else None
