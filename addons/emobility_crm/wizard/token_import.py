import base64
import binascii
import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..identifiers import normalise_emaid, normalise_uid, reversed_bytes

MAX_ROWS = 50_000
MAX_LINES_SHOWN = 200
COLUMNS = (
    "uid",
    "visual_number",
    "token_type",
    "contract",
    "driver",
    "label",
    "cost_centre",
    "valid_until",
    "state",
)
TRUE_STATES = ("ordered", "shipped", "active")


class EmobilityTokenImport(models.TransientModel):
    """Creates or blocks many tokens from a CSV file: first a preview of all problems, then all rows or none."""

    _name = "emobility.token.import"
    _description = "Import or Block Tokens"
    _check_company_auto = True

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    kind = fields.Selection(
        [("create", "Create tokens"), ("block", "Block tokens")], required=True, default="create"
    )
    file = fields.Binary("CSV File", required=True, attachment=False)
    filename = fields.Char()
    encoding = fields.Selection(
        [("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
        required=True,
        default="utf-8-sig",
    )
    reverse_bytes = fields.Boolean(
        "Reverse the Bytes", help="The list has the UIDs with the last byte first; stations send the first one."
    )
    contract_id = fields.Many2one(
        "contract.contract",
        "Charging Contract",
        domain="[('is_charging', '=', True), ('company_id', '=', company_id)]",
        check_company=True,
        help="For rows that name no contract.",
    )
    state = fields.Selection([("draft", "File"), ("preview", "Preview"), ("done", "Done")], default="draft")
    row_count = fields.Integer("Rows", readonly=True)
    problem_count = fields.Integer("Rows With Problems", readonly=True)
    line_ids = fields.One2many("emobility.token.import.line", "import_id", readonly=True)

    def action_preview(self) -> dict:
        """Read the file and list what is wrong with it; nothing is saved but this preview."""
        self.ensure_one()
        rows = self._rows()
        problems = self._problems(rows)
        shown = sorted(rows, key=lambda row: (row["number"] not in problems, row["number"]))
        self.write(
            {
                "state": "preview",
                "row_count": len(rows),
                "problem_count": len(problems),
                "line_ids": [
                    fields.Command.clear(),
                    *(
                        fields.Command.create(
                            {
                                "number": row["number"],
                                "uid": row["uid"],
                                "details": self._details(row),
                                "problem": problems.get(row["number"], False),
                            }
                        )
                        for row in shown[:MAX_LINES_SHOWN]
                    ),
                ],
            }
        )
        return self._show()

    def action_apply(self) -> dict:
        """Create or block the tokens of the file: all of them, or none when there is a problem."""
        self.ensure_one()
        rows = self._rows()
        problems = self._problems(rows)
        if problems:
            number, problem = min(problems.items())
            raise UserError(
                self.env._(
                    "Nothing was saved: %(count)s rows have problems, the first one is row %(number)s: "
                    "%(problem)s",
                    count=len(problems),
                    number=number,
                    problem=problem,
                )
            )
        if self.kind == "block":
            tokens = self._existing(rows)
            tokens.filtered(lambda token: token.state != "blocked")._block("list")
        else:
            contracts, drivers = self._contracts(rows), self._drivers(rows)
            tokens = self.env["emobility.token"].create(
                [self._token_values(row, contracts, drivers) for row in rows]
            )
        self.write({"state": "done", "row_count": len(tokens), "line_ids": [fields.Command.clear()]})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Tokens of %(file)s", file=self.filename or self.env._("the file")),
            "res_model": "emobility.token",
            "view_mode": "list,form",
            "domain": [("id", "in", tokens.ids)],
        }

    def _show(self) -> dict:
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Import or Block Tokens"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
        }

    # --- Reading ---

    def _rows(self) -> list[dict]:
        """The rows of the file, with the UID in its stored form. :raises UserError: when it is no such file"""
        text = self._text()
        try:
            dialect = csv.Sniffer().sniff(text.splitlines()[0] if text.strip() else "", delimiters=",;\t|")
            delimiter = dialect.delimiter
        except csv.Error:
            delimiter = ","
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        header = [name.strip().lower().replace(" ", "_") for name in next(reader, [])]
        self._check_header(header)
        rows = [self._row(number, header, values) for number, values in enumerate(reader, 2) if any(values)]
        if not rows:
            raise UserError(self.env._("The file has no rows below its header."))
        if len(rows) > MAX_ROWS:
            raise UserError(
                self.env._("The file has %(count)s rows; the most is %(most)s.", count=len(rows), most=MAX_ROWS)
            )
        return rows

    def _text(self) -> str:
        try:
            content = base64.b64decode(self.file or b"", validate=False)
        except binascii.Error:
            raise UserError(self.env._("The file could not be read.")) from None
        try:
            text = content.decode(self.encoding)
        except UnicodeError as error:
            line = content[: getattr(error, "start", 0)].count(b"\n") + 1
            raise UserError(
                self.env._(
                    "Line %(line)s of the file is not in %(encoding)s. Choose the encoding with which it was "
                    "saved, or save it as UTF-8.",
                    line=line,
                    encoding=dict(self._fields["encoding"].selection)[self.encoding],
                )
            ) from None
        if "\x00" in text:
            raise UserError(self.env._("The file is not a CSV file in this encoding: it has zero bytes."))
        return text

    def _check_header(self, header: list[str]) -> None:
        if "uid" not in header:
            raise UserError(
                self.env._(
                    "The first line has to name the columns, and one of them is 'uid'. Known columns: "
                    "%(columns)s. Found: %(found)s.",
                    columns=", ".join(COLUMNS),
                    found=", ".join(header) or "-",
                )
            )
        unknown = [name for name in header if name not in COLUMNS]
        twice = [name for name, count in Counter(header).items() if count > 1]
        if unknown or twice:
            raise UserError(
                self.env._(
                    "These columns are not known or there twice: %(names)s. Known columns: %(columns)s.",
                    names=", ".join(repr(name) for name in unknown + twice),
                    columns=", ".join(COLUMNS),
                )
            )

    def _row(self, number: int, header: list[str], values: list[str]) -> dict:
        row = {name: value.strip() for name, value in zip(header, values, strict=False)}
        token_type = (row.get("token_type") or "RFID").upper()
        uid = normalise_uid(row.get("uid"), token_type)
        if self.reverse_bytes and token_type == "RFID":
            uid = reversed_bytes(uid)
        return {
            **row,
            "number": number,
            "uid": uid,
            "token_type": token_type,
            "extra": len(values) > len(header),
        }

    def _details(self, row: dict) -> str:
        return ", ".join(
            f"{name}: {row[name]}" for name in COLUMNS if name not in ("uid", "token_type") and row.get(name)
        )

    # --- Checking ---

    def _problems(self, rows: list[dict]) -> dict[int, str]:
        """What is wrong, by number of the row."""
        seen: dict[str, int] = {}
        known = {token.uid: token for token in self._existing(rows)}
        contracts = self._contracts(rows)
        drivers = self._drivers(rows)
        types = dict(self.env["emobility.token"]._fields["token_type"].selection)
        problems: dict[int, list[str]] = {}
        for row in rows:
            found = list(self._row_problems(row, known, contracts, drivers, types))
            if row["uid"] in seen:
                found.append(self.env._("the UID is in row %(number)s too", number=seen[row["uid"]]))
            seen.setdefault(row["uid"], row["number"])
            if found:
                problems[row["number"]] = found
        return {number: "; ".join(found) for number, found in problems.items()}

    def _row_problems(
        self, row: dict, known: dict, contracts: dict, drivers: dict, types: dict
    ) -> Iterator[str]:
        if row["extra"]:
            yield self.env._("it has more cells than the header")
        if not 0 < len(row["uid"]) <= 36:
            yield self.env._("the UID has to have 1 to 36 characters")
        if self.kind == "block":
            yield from self._block_problems(row, known)
            return
        if row["token_type"] not in types:
            yield self.env._("'%(type)s' is not a type of token", type=row["token_type"])
        if row["uid"] in known:
            yield self.env._(
                "the UID belongs to a token of %(contract)s already",
                contract=known[row["uid"]].contract_id.display_name or self.env._("no contract"),
            )
        name = row.get("contract")
        if name and name not in contracts:
            yield self.env._("no charging contract with reference, EMAID or name '%(name)s'", name=name)
        elif not name and not self.contract_id and row["token_type"] != "AD_HOC_USER":
            yield self.env._("it names no contract")
        if row.get("driver") and row["driver"].lower() not in drivers:
            yield self.env._("no contact with the e-mail '%(driver)s'", driver=row["driver"])
        if row.get("state") and row["state"] not in TRUE_STATES:
            yield self.env._("the state has to be one of %(states)s", states=", ".join(TRUE_STATES))
        if row.get("valid_until"):
            try:
                self._end_of_day(row["valid_until"])
            except ValueError:
                yield self.env._("'%(date)s' is not a date like 2027-12-31", date=row["valid_until"])

    def _block_problems(self, row: dict, known: dict) -> Iterator[str]:
        token = known.get(row["uid"])
        if not token:
            yield self.env._("no token with this UID is known")
        elif token.state in ("replaced", "lost", "expired"):
            yield self.env._(
                "the token is %(state)s already",
                state=dict(token._fields["state"]._description_selection(self.env))[token.state],
            )

    def _existing(self, rows: list[dict]) -> models.BaseModel:
        """Tokens of the company's own provider with the UIDs of the rows."""
        company = self.company_id
        return self.env["emobility.token"].search(
            [
                ("company_id", "=", company.id),
                ("country_code", "=", company.emobility_country_code),
                ("party_id", "=", company.emobility_party_id),
                ("uid", "in", [row["uid"] for row in rows]),
            ]
        )

    def _contracts(self, rows: list[dict]) -> dict[str, models.BaseModel]:
        """Charging contracts by what the rows call them: reference, EMAID or name."""
        names = {row["contract"] for row in rows if row.get("contract")}
        emaids = {normalise_emaid(name): name for name in names}
        found = self.env["contract.contract"].search(
            [
                ("is_charging", "=", True),
                ("company_id", "=", self.company_id.id),
                "|",
                "|",
                ("code", "in", list(names)),
                ("name", "in", list(names)),
                ("emaid", "in", list(emaids)),
            ]
        )
        result: dict[str, models.BaseModel] = {}
        for contract in found:
            for name in {contract.name, contract.code, emaids.get(contract.emaid)} & names:
                result.setdefault(name, contract)
        return result

    def _drivers(self, rows: list[dict]) -> dict[str, models.BaseModel]:
        mails = {row["driver"].lower() for row in rows if row.get("driver")}
        found = self.env["res.partner"].search([("email_normalized", "in", list(mails))], order="id desc")
        return {partner.email_normalized: partner for partner in found}

    # --- Writing ---

    def _token_values(self, row: dict, contracts: dict, drivers: dict) -> dict:
        contract = contracts.get(row.get("contract")) or self.contract_id
        driver = drivers.get((row.get("driver") or "").lower())
        values = {
            "uid": row["uid"],
            "token_type": row["token_type"],
            "contract_id": contract.id,
            "company_id": self.company_id.id,
            "country_code": self.company_id.emobility_country_code,
            "party_id": self.company_id.emobility_party_id,
            "state": row.get("state") or "ordered",
        }
        if driver:
            values["partner_id"] = driver.id
        if row.get("valid_until"):
            values["valid_until"] = self._end_of_day(row["valid_until"])
        return values | {
            name: row[name] for name in ("visual_number", "label", "cost_centre") if row.get(name)
        }

    @api.model
    def _end_of_day(self, text: str) -> datetime:
        return datetime.combine(fields.Date.to_date(text[:10]), time(23, 59, 59))

    @api.constrains("contract_id")
    def _check_contract(self) -> None:
        for wizard in self:
            if wizard.contract_id and not wizard.contract_id.is_charging:
                raise ValidationError(self.env._("The contract for the tokens is not a charging contract."))
