from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError as OcpiValidationError

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from odoo.addons.emobility_billing.jobs import LATER, NORMAL, SOON, enqueue

from ..ocpi.internal import Party
from ..ocpi.transport import OcpiError, Page, Routing
from ..ocpi.v221 import ClientInfo
from ..ocpi.versions import ROUTED
from ..ocpi_client import READ_SECONDS, Answer, Step
from .ocpi_connection import FIRST_WAIT, TRIES

GATHER = timedelta(seconds=2)
"""Several changes of one object in a row are one message."""
OVERLAP = timedelta(minutes=5)
"""What changed while the last pull ran is fetched again."""
PRESENCE_DAYS = 35
PULL_SECONDS = 30
"""After this time the next pages of a list are for another job, in a transaction of its own."""
OBJECTS_AT_ONCE, CALLS_AT_ONCE = 500, 100
"""So many objects are queued, and so many asked for at the partner, by one job."""
_PULLED = {"EMSP": ("locations", "tariffs", "sessions", "cdrs"), "CPO": ("tokens",)}


class EmobilityOcpiConnection(models.Model):
    """Calls, pushes by jobs, pulls, and what heals what got lost."""

    _inherit = "emobility.ocpi.connection"

    # One call

    def _call(
        self,
        method: str,
        url: str,
        *,
        module: str,
        body: Any = None,
        params: dict[str, str] | None = None,
        receiver: Any = None,
        open_routing: bool = False,
        read_seconds: float = READ_SECONDS,
    ) -> Answer:
        """Call the partner and log it. It never raises: what went wrong is in the answer."""
        self.ensure_one()
        if not self._may_call():
            until = fields.Datetime.to_string(self.broken_until)
            reason = self.env._("The partner failed too often; no calls before %s.", until)
            return Answer(0, "", {}, 0, error=reason, is_sent=False)
        client = self._client()
        client.read_seconds = read_seconds
        routing = self._routing(module, receiver, open_routing=open_routing)
        answer = client.call(method, url, body=body, params=params, headers=routing.headers())
        self._log_call(method, url, module, body, answer, routing)
        return answer

    def _log_call(
        self, method: str, url: str, module: str, body: Any, answer: Answer, routing: Routing | None = None
    ) -> None:
        routing = routing or self._routing(module)
        self.env["emobility.ocpi.message"]._log(
            connection_id=self.id,
            company_id=self.company_id.id,
            direction="out",
            module=module,
            method=method,
            path=url,
            http_status=answer.status,
            status_code=answer.status_code or 0,
            error=answer.error,
            request_id=answer.sent_headers.get("X-Request-ID"),
            correlation_id=answer.sent_headers.get("X-Correlation-ID"),
            party_from=str(routing.sender or "") or False,
            party_to=str(routing.receiver or "") or False,
            # An error of the business shows that the partner is there.
            is_down=not answer.ok and (not answer.status or answer.status >= 500 or answer.status == 429),
            clock_difference=round(answer.clock_difference or 0),
            milliseconds=round(answer.seconds * 1000),
            request_body=json.dumps(body) if body is not None else None,
            response_body=answer.text,
        )

    def _routing(self, module: str, receiver: Any = None, *, open_routing: bool = False) -> Routing:
        """From us to the party; without one to the hub, which passes a push on to all and collects a list of all.

        ``open_routing``: for one party that is not known; a hub finds it by what the message is about
        (2.2.1, chapter transport_and_format, Open Routing Request).
        """
        if module not in ROUTED or self.version == "2.1.1":
            return Routing()
        if receiver:
            return Routing(self._our_party(), Party.of(receiver.country_code, receiver.party_id))
        if self.is_hub and open_routing:
            return Routing(self._our_party())
        if self.is_hub and self.hub_party_id:
            return Routing(self._our_party(), Party.of(self.hub_country_code, self.hub_party_id))
        first = self.sudo().party_ids[:1]
        return Routing(self._our_party(), Party.of(first.country_code, first.party_id) if first else None)

    def _takes_commands(self) -> bool:
        if self.state != "connected" or not self._we_are("EMSP"):
            return False
        return bool(self.env["emobility.ocpi.module"]._of(self, "commands", "RECEIVER"))

    # Our changes to partners

    @api.model
    def _queue_push(self, module: str, records: Any, role: str) -> None:
        """Tell partners of changes. ``role``: what we are as the owner of these objects."""
        for company in records.company_id:
            for connection_id in self._push_target_ids(company.id, role):
                for record in records.filtered(lambda each, company=company: each.company_id == company):
                    self.browse(connection_id)._queue_one(module, record)

    def _queue_one(self, module: str, record: Any, attempt: int = 0) -> None:
        if module in ("sessions", "cdrs") and record.roaming_partner_id.connection_id.id != self.id:
            return
        wait = FIRST_WAIT * 2 ** (attempt - 1) if attempt else GATHER
        enqueue(
            self,
            f"emobility.ocpi.push:{self.id}:{module}:{record.id}",
            self.env._("Send %(module)s to the partner", module=module),
            eta=fields.Datetime.now() + wait,
            priority=SOON if module in ("sessions", "tokens") else NORMAL,
        )._push(module, record.id, attempt)

    def _push(self, module: str, record_id: int, attempt: int = 0) -> None:
        """Job: send the object as it is now. So a push that waited never tells an old state."""
        self.ensure_one()
        publisher = self.env["emobility.ocpi.publisher"]
        record = self.env[publisher._model_of(module)].browse(record_id).exists()
        target = self.env["emobility.ocpi.module"]._of(self, module, "RECEIVER")
        if self.state != "connected" or not record or not target or not publisher._may_see(self, module, record):
            return
        try:
            body = publisher._render(self, module, record)
        except (OcpiValidationError, ValueError, UserError) as error:
            target.last_error = f"{record.display_name}: {error}"[:500]
            if module == "cdrs":
                self._sent_cdr(record).error = str(error)[:500]
            return
        answer = self._send(module, target.url, record, body)
        if module == "cdrs":
            self._note_sent_cdr(record, body, answer)
        if not answer.ok and not _is_refusal(answer) and attempt + 1 < TRIES:
            self._queue_one(module, record, attempt + 1)

    def _send(self, module: str, url: str, record: Any, body: dict[str, Any]) -> Answer:
        receiver = record.roaming_partner_id if module in ("sessions", "cdrs") else None
        if module == "invoicereconciliation":
            # An invoice is nobody else's business behind a hub.
            receiver = record.cdr_ids.roaming_partner_id[:1]
        if module in ("cdrs", "invoicereconciliation"):
            return self._call("POST", url, module=module, body=body, receiver=receiver)
        party = self._our_party()
        key = quote(str(body.get("uid") or body["id"]), safe="")
        path = f"{url.rstrip('/')}/{party.country_code}/{party.party_id}/{key}"
        params = {"type": body["type"]} if module == "tokens" else None
        return self._call("PUT", path, module=module, body=body, params=params, receiver=receiver)

    def _sent_cdr(self, cdr: Any) -> Any:
        """The row of a CDR that is being sent."""
        rows = self.env["emobility.roaming.cdr"].sudo()._as_system()
        row = rows.search([("cdr_id", "=", cdr.id), ("direction", "=", "out")], limit=1)
        if row:
            return row
        party = self._our_party()
        original = cdr.credited_cdr_id and rows.search(
            [("cdr_id", "=", cdr.credited_cdr_id.id), ("direction", "=", "out")], limit=1
        )
        return rows.create(
            [
                {
                    "name": cdr.name,
                    "direction": "out",
                    "connection_id": self.id,
                    "company_id": self.company_id.id,
                    "roaming_partner_id": cdr.roaming_partner_id.id,
                    "country_code": party.country_code,
                    "party_id": party.party_id,
                    "version": self.version,
                    "session_ref": cdr.session_id.uid,
                    "session_id": cdr.session_id.id,
                    "cdr_id": cdr.id,
                    "start_at": cdr.start_at,
                    "end_at": cdr.end_at,
                    "energy_kwh": cdr.energy_kwh,
                    "currency_code": cdr.currency_id.name or cdr.company_id.currency_id.name,
                    "currency_id": cdr.currency_id.id,
                    "token_uid": cdr.token_uid,
                    "contract_ref": cdr.session_id.token_id.contract_ref,
                    "credit": cdr.credit,
                    "credit_reference": cdr.credited_cdr_id.name,
                    "credited_id": original.id if original else False,
                    "last_updated": cdr.create_date,
                }
            ]
        )

    def _note_sent_cdr(self, cdr: Any, body: dict[str, Any], answer: Answer) -> None:
        row = self._sent_cdr(cdr)
        total = body["total_cost"]
        if isinstance(total, dict):
            net = total.get("excl_vat", total.get("before_taxes"))
            taxes = total.get("taxes")
            gross = net + sum(tax["amount"] for tax in taxes) if taxes is not None else total.get("incl_vat")
        else:
            net, gross = total, None
        values: dict[str, Any] = {
            "data": body,
            "version": self.version,
            "total_net": net,
            "total_gross": gross or 0,
            "has_gross": gross is not None,
            "error": answer.error or False,
        }
        if answer.ok:
            values |= {
                "exchanged_at": fields.Datetime.now(),
                "receiver_url": answer.headers.get("Location") or False,
            }
        row.write(values)

    def _queue_command_result(self, command: Any) -> None:
        enqueue(
            command,
            f"emobility.ocpi.command.result:{command.id}",
            self.env._("Tell the partner what became of its command"),
            priority=SOON,
        )._post_result()

    # Their objects to us

    def _pulled_modules(self) -> list[str]:
        found = [module for role, modules in _PULLED.items() if self._we_are(role) for module in modules]
        if self.version == "2.3.0":
            found.append("invoicereconciliation")
        return [*found, "hubclientinfo"] if self.is_hub else found

    def _queue_full_sync(self) -> None:
        """All of theirs to us, and all of ours to them."""
        for module in self._pulled_modules():
            self._queue_pull(module, full=True)
        self._queue_publish()

    def _queue_pull(self, module: str, *, full: bool = False, attempt: int = 0, **where: Any) -> None:
        """``where``: of ``_pull``, when it goes on with what an earlier job began."""
        # Not at once: after a registration the partner may still be busy with its end of it.
        wait = FIRST_WAIT * 2 ** (attempt - 1) if attempt else GATHER
        enqueue(
            self,
            f"emobility.ocpi.pull:{self.id}:{module}:{full}" + (f":{where['step']}" if where else ""),
            self.env._("Fetch %(module)s of the partner", module=module),
            eta=fields.Datetime.now() + wait,
            priority=NORMAL,
        )._pull(module, full, attempt=attempt, **where)

    def action_pull_all(self) -> None:
        """Fetch all of the partner's objects again, and send ours again."""
        self.check_access("write")
        for connection in self.filtered(lambda each: each.state == "connected"):
            connection.sudo()._queue_full_sync()

    def _pull(
        self,
        module: str,
        full: bool = False,
        date_from: datetime | None = None,
        attempt: int = 0,
        step: list[Any] | None = None,
        begun: datetime | None = None,
        problem: str | None = None,
    ) -> int:
        """Job: fetch what changed since the last time. Returns how many objects were new or newer.

        What takes longer than a moment goes on in the next job, in a transaction of its own: ``step`` says where,
        ``begun`` when the first job began, ``problem`` what was wrong so far.
        """
        self.ensure_one()
        source = self.env["emobility.ocpi.module"]._of(self, module, "SENDER")
        if self.state != "connected" or not source or not self._may_call():
            return 0
        begun = begun or fields.Datetime.now()
        since = date_from or (None if full else source.pulled_until or None)
        page = Page(limit=self.page_size, date_from=since.replace(tzinfo=UTC) if since else None)
        client, headers = self._client(), self._routing(module).headers()
        where: Step | None = Step(*step or ())
        count, until = 0, time.monotonic() + PULL_SECONDS
        told = {"full": full, "date_from": since, "begun": begun}
        while where:
            told |= {"step": list(where), "problem": problem}
            try:
                answer, where = client.page(source.url, page, where, headers)
            except OcpiError as refused:
                problem = refused.message
                break
            self._log_call("GET", source.url, module, None, answer)
            if not answer.ok or not isinstance(answer.data, list):
                problem = answer.error or self.env._("The answer holds no list.")
                if not answer.ok and not _is_refusal(answer) and attempt + 1 < TRIES:
                    self._queue_pull(module, attempt=attempt + 1, **told)
                break
            taken, wrong = self._take_page(module, answer.data)
            count += taken
            problem = wrong or problem
            if where and time.monotonic() >= until:
                self._queue_pull(module, **told | {"step": list(where), "problem": problem})
                return count
        if problem:
            source.last_error = problem[:500]
        else:
            source.write({"pulled_until": begun - OVERLAP, "last_error": False})
        return count

    def _take_page(self, module: str, items: list[Any]) -> tuple[int, str | None]:
        """One bad object does not keep back the good ones of its page."""
        try:
            with self.env.cr.savepoint():
                return self._take(module, items), None
        except (OcpiValidationError, UserError, ValidationError, ValueError, TypeError) as error:
            if len(items) <= 1:
                return 0, str(error)
        count, problem = 0, None
        for item in items:
            taken, wrong = self._take_page(module, [item])
            count += taken
            problem = wrong or problem
        return count, problem

    def _take(self, module: str, items: list[Any]) -> int:
        if module == "hubclientinfo":
            return sum(self._take_client_info(ClientInfo.model_validate(item)) for item in items)
        return self.env["emobility.ocpi.receiver"].sudo()._receive(self, module, items)

    def _take_client_info(self, info: ClientInfo) -> int:
        """A party behind the hub. Another hub, and what is neither operator nor provider, is no partner of ours."""
        role = info.role.upper()
        party = Party.of(info.country_code, info.party_id)
        if role not in ("CPO", "EMSP") or party == self._our_party():
            return 0
        partner = self._take_party(party, role, str(party))
        told_at = info.last_updated.astimezone(UTC).replace(tzinfo=None)
        if partner.hub_told_at and told_at < partner.hub_told_at:
            # What was told earlier and arrives later is the past.
            return 0
        status = info.status.upper()
        known = status in ("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED")
        partner.write({"hub_status": status if known else "OFFLINE", "hub_told_at": told_at})
        return 1

    def _queue_fetch_location(self, location_id: str, session_id: str) -> None:
        enqueue(
            self,
            f"emobility.ocpi.location:{self.id}:{location_id}",
            self.env._("Fetch the location %(location)s of the partner", location=location_id),
            priority=SOON,
        )._fetch_location(location_id)

    def _fetch_location(self, location_id: str) -> None:
        """Job: a session named a location that is not known; fetch it, and take the sessions there again."""
        source = self.env["emobility.ocpi.module"]._of(self, "locations", "SENDER")
        if not source:
            return
        url = f"{source.url.rstrip('/')}/{quote(location_id, safe='')}"
        answer = self._call("GET", url, module="locations", open_routing=True)
        if not answer.ok or not isinstance(answer.one, dict):
            return
        receiver = self.env["emobility.ocpi.receiver"].sudo()
        _taken, problem = self._take_page("locations", [answer.one])
        if problem:
            source.last_error = problem[:500]
            return
        objects = self.env["emobility.ocpi.object"].sudo()
        objects.flush_model()
        waiting = self.env.execute_query(
            SQL(
                "SELECT id FROM emobility_ocpi_object"
                " WHERE connection_id = %s AND module = 'sessions' AND data->>'location_id' = %s",
                self.id,
                location_id,
            )
        )
        receiver._apply_sessions_again(self, objects.browse(row[0] for row in waiting))

    def _queue_apply_cdrs(self, cdrs: Any) -> None:
        enqueue(
            cdrs,
            f"emobility.roaming.cdr.apply:{cdrs[:1].id}-{cdrs[-1:].id}",
            self.env._("Make sessions of %s received CDRs", len(cdrs)),
            priority=NORMAL,
        )._apply()

    # Healing

    def _queue_publish(self) -> None:
        for connection in self.filtered(lambda each: not each.no_push):
            for module, role in (("tariffs", "CPO"), ("locations", "CPO"), ("tokens", "EMSP")):
                if connection._we_are(role):
                    connection._queue_publish_module(module)

    def _publish(self, module: str, after: int = 0) -> None:
        """Job: queue each object that the partner may see; ``after`` is the last one that was queued."""
        publisher = self.env["emobility.ocpi.publisher"]
        domain = [*publisher._domain(self, module), ("id", ">", after)]
        records = self.env[publisher._model_of(module)].search(domain, order="id", limit=OBJECTS_AT_ONCE)
        for record in records:
            self._queue_one(module, record)
        if len(records) == OBJECTS_AT_ONCE:
            self._queue_publish_module(module, records[-1:].id)

    def _queue_publish_module(self, module: str, after: int = 0) -> None:
        enqueue(
            self,
            f"emobility.ocpi.publish:{self.id}:{module}:{after}",
            self.env._("Send all %(module)s to the partner", module=module),
            priority=LATER,
        )._publish(module, after)

    def _check_presence(self) -> None:
        """Job: F46, F48. What either side lost in the last weeks comes back: sessions, received and sent CDRs."""
        since = fields.Datetime.now() - timedelta(days=PRESENCE_DAYS)
        if self._we_are("EMSP"):
            for module in ("sessions", "cdrs"):
                self._pull(module, date_from=since)
        if self._we_are("CPO"):
            for module in ("sessions", "cdrs"):
                self._queue_present(module)

    def _queue_present(self, module: str, after: int = 0) -> None:
        enqueue(
            self,
            f"emobility.ocpi.present:{self.id}:{module}:{after}",
            self.env._("Look whether the partner still has our %(module)s", module=module),
            priority=LATER,
        )._check_present(module, after)

    def _check_present(self, module: str, after: int = 0) -> None:
        """Job: send again what the partner has no more, or never got. ``after``: the last one that was looked for."""
        since = fields.Datetime.now() - timedelta(days=PRESENCE_DAYS)
        publisher = self.env["emobility.ocpi.publisher"]
        domain = [*publisher._domain(self, module), ("id", ">", after)]
        if module == "sessions":
            # Of a session that is billed the CDR says all.
            domain += [("state", "in", ("live", "ended", "held")), ("start_at", ">=", since)]
        else:
            domain.append(("end_at", ">=", since))
        records = self.env[publisher._model_of(module)].search(domain, order="id", limit=CALLS_AT_ONCE)
        for record in records:
            if not self._partner_has(module, record):
                self._queue_one(module, record)
        if len(records) == CALLS_AT_ONCE:
            self._queue_present(module, records[-1:].id)

    def _partner_has(self, module: str, record: Any) -> bool:
        """Also when it cannot be asked."""
        partner = record.roaming_partner_id
        if module == "sessions":
            target = self.env["emobility.ocpi.module"]._of(self, module, "RECEIVER")
            party, key = self._our_party(), quote(record.uid, safe="")
            url = target and f"{target.url.rstrip('/')}/{party.country_code}/{party.party_id}/{key}"
        else:
            row = record.exchange_ids.filtered(lambda one: one.direction == "out" and one.connection_id == self)[:1]
            if not row.exchanged_at:
                return False
            url = row.receiver_url
        return not url or self._call("GET", url, module=module, receiver=partner).status != 404

    def _connected(self) -> Any:
        return self.search([("state", "=", "connected")])

    @api.model
    def _cron_pull(self) -> None:
        """What a push did not tell."""
        for connection in self._connected():
            for module in connection._pulled_modules():
                connection._queue_pull(module)

    @api.model
    def _cron_presence(self) -> None:
        for connection in self._connected():
            enqueue(
                connection,
                f"emobility.ocpi.presence:{connection.id}",
                self.env._("Compare sessions and CDRs with the partner"),
                priority=LATER,
            )._check_presence()


def _is_refusal(answer: Answer) -> bool:
    """The partner has understood and does not want it: the same again would be refused again."""
    return answer.status in (200, 400, 404, 405) and 2000 <= (answer.status_code or 0) < 3000
