"""Runs in Odoo's shell, which hands over `env`: one step of the billing benchmark, named by BENCH_STEP."""

import base64
import json
import os
import time
from pathlib import Path

import psycopg2
from clone import clone

env = env  # noqa: F821, PLW0127  (given by the shell)
cr = env.cr
CDRS, PAYERS = int(os.environ["BENCH_CDRS"]), int(os.environ["BENCH_PAYERS"])
PER_PAYER = CDRS // PAYERS
PRICE, START_FEE = 0.4937, 0.35
# What a session of a payer used: from 5 to 44 kWh, in Wh, another one for each.
KWH = "round(5 + ((g * 7919) % 39000) / 1000.0, 3)"
ENERGY_AMOUNT = f"round(({KWH} * {PRICE})::numeric, 2)"


def seed():
    """One session through the ORM, and copies of it: CDRs that are rated and not invoiced."""
    company = env.company
    company.write({"country_id": env.ref("base.de").id, "emobility_country_code": "DE", "emobility_party_id": "BEN"})
    env["account.chart.template"].try_loading("de_skr03", company, install_demo=False)
    env.ref("uom.decimal_product_uom").digits = 3
    tax = env["account.tax"].search(
        [("type_tax_use", "=", "sale"), ("amount", "=", 19), ("company_id", "=", company.id)], limit=1)
    for name in ("energy", "time", "parking_time", "flat"):
        env.ref(f"emobility_billing.product_{name}").taxes_id = tax
    logo = Path(os.environ["BENCH_LOGO"]).read_bytes()
    company.write({"logo": base64.b64encode(logo), "street": "Stromweg 1", "zip": "80331", "city": "München"})
    env["res.partner.bank"].create(
        {"acc_number": "DE02120300000000202051", "partner_id": company.partner_id.id, "allow_out_payment": True})
    plan = env["product.template"].create({"name": "Bench plan", "type": "service", "is_charging_plan": True})
    tariff = env["emobility.tariff"].create({
        "name": "Bench", "code": "BENCH", "currency_id": company.currency_id.id,
        "version_ids": [(0, 0, {"valid_from": "2020-01-01", "element_ids": [(0, 0, {"component_ids": [
            (0, 0, {"dimension": "ENERGY", "price": PRICE}), (0, 0, {"dimension": "FLAT", "price": START_FEE})]})]})],
    })
    env["emobility.price.rule"].create({"tariff_id": tariff.id})
    partner = env["res.partner"].create(
        {"name": "Bench customer", "email": "bench@example.com", "country_id": company.country_id.id,
         "street": "Kabelgasse 2", "zip": "10115", "city": "Berlin",
         # They have been invoiced before: Odoo writes the first invoice of a customer on its record.
         "customer_rank": 1})
    contract = env["contract.contract"].create(
        {"name": "Bench contract", "partner_id": partner.id, "is_charging": True, "plan_id": plan.id,
         "billing_trigger": "monthly"})
    contract.action_activate()
    location = env["emobility.location"].create(
        {"name": "Bench place", "city": "Berlin", "time_zone": "Europe/Berlin", "country_id": company.country_id.id})
    evse = env["emobility.evse"].create({"location_id": location.id, "evse_id": "DE*BEN*E0"})
    connector = env["emobility.connector"].create({"evse_id": evse.id, "max_power_kw": 50})
    events = [
        {"uid": f"bench-{kind}", "source": "import", "session_uid": "bench", "kind": kind, "at": at, "payload": payload}
        for kind, at, payload in (
            ("started", "2026-01-02T10:00:00Z",
             {"evse_id": evse.id, "connector_id": connector.id, "contract_id": contract.id}),
            ("ended", "2026-01-02T10:50:00Z", {"energy_kwh": "12.345"}))
    ]
    env["emobility.session"]._ingest_events(events)
    session = env["emobility.session"].search([("uid", "=", "bench")])
    session._process()
    cdr, rating = session.cdr_ids, session.cdr_ids.rating_ids
    lines = {line.dimension: line for line in rating.line_ids}
    sentence = f"'Energy: ' || {KWH} || ' kWh at {PRICE} EUR per kWh = ' || {ENERGY_AMOUNT} || ' EUR'"
    at = "timestamp '2026-01-01' + make_interval(mins => (g % 40000)::int)"

    partners = env["res.partner"].search([], order="id desc", limit=1).id + 1
    payer = f"(g - 1) / {PER_PAYER}"
    clone(partner, PAYERS, name="'Customer ' || g", complete_name="'Customer ' || g",
          email="'customer' || g || '@example.com'", email_normalized="'customer' || g || '@example.com'",
          commercial_partner_id=f"{partners} + g - 1")
    contracts = clone(contract, PAYERS, name="'Contract ' || g", code="'C-' || g", partner_id=f"{partners} + g - 1",
                      invoice_partner_id=f"{partners} + g - 1", commercial_partner_id=f"{partners} + g - 1",
                      emaid="'DEBENC' || lpad((g + 1000)::text, 8, '0')")
    owner = {"partner_id": f"{partners} + {payer}", "contract_id": f"{contracts} + {payer}"}
    times = {"start_at": at, "end_at": f"{at} + interval '50 minutes'"}
    sessions = clone(session, CDRS, uid="'bench-' || g", energy_kwh=KWH, **owner, **times)
    cdrs = clone(cdr, CDRS, name="'BENCH-' || g", session_id=f"{sessions} + g - 1", energy_kwh=KWH,
                 retail_amount=f"{ENERGY_AMOUNT} + {START_FEE}", **owner, **times)
    ratings = clone(rating, CDRS, cdr_id=f"{cdrs} + g - 1", session_id=f"{sessions} + g - 1", energy_kwh=KWH,
                    amount_total=f"{ENERGY_AMOUNT} + {START_FEE}", end_at=times["end_at"], **owner)
    clone(lines["ENERGY"], CDRS, rating_id=f"{ratings} + g - 1", quantity=KWH, amount=ENERGY_AMOUNT,
          description=sentence)
    clone(lines["FLAT"], CDRS, rating_id=f"{ratings} + g - 1")
    rating._as_system().write({"state": "free"})
    env.flush_all()
    cr.execute("UPDATE emobility_cdr cdr SET retail_rating_id = rating.id"
               " FROM emobility_rating rating WHERE rating.cdr_id = cdr.id")
    cr.commit()


def start():
    """Prepare and start the run, so that its jobs wait. Tells how many seconds that takes."""
    begun = time.perf_counter()
    run = env["emobility.billing.run"].create({"date_to": "2026-03-01"})
    run.action_prepare()
    run.action_start()
    env.flush_all()
    cr.commit()
    return {"seconds": time.perf_counter() - begun, "lines": len(run.line_ids)}


def next_job():
    """Take a waiting job as queue_job's workers do: one that makes and posts invoices, oldest first."""
    cr.execute(
        "SELECT uuid FROM queue_job WHERE state = 'pending' AND method_name = '_run_chunk'"
        " ORDER BY priority, date_created LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED")
    row = cr.fetchone()
    return row and row[0]


def say(text):
    """Progress, for who waits for the benchmark."""
    Path(os.environ["BENCH_PROGRESS"]).write_text(text)


def perform(uuid):
    """Run a job in a transaction of its own, with an empty cache as in a worker."""
    from odoo.addons.queue_job.job import Job

    env.invalidate_all()
    job = Job.load(env, uuid)
    job.perform()
    job.set_done()
    job.store()
    env.flush_all()
    cr.commit()
    return job


def repeat(result, work, *args):
    """What `work` returns, or None when PostgreSQL sent it back because of another worker; it is counted then."""
    try:
        return work(*args)
    except psycopg2.errors.SerializationFailure:
        cr.rollback()
        env.invalidate_all(flush=False)
        result["repeated"] += 1
        return None


def resident():
    """MiB of memory of this process."""
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("VmRSS")) / 1024


def prepared_values(moves):
    """What Odoo needs to make the same moves again."""
    invoicing = env["emobility.invoicing"]
    known = {}
    return [invoicing._draft(move.rating_ids, False, known).values for move in moves]


class Clock:
    """Seconds on the clock, and of the processor in this process."""

    def __init__(self):
        self.seconds = self.processor = 0.0

    def __enter__(self):
        self._begun = time.perf_counter(), time.process_time()

    def __exit__(self, *exc):
        self.seconds += time.perf_counter() - self._begun[0]
        self.processor += time.process_time() - self._begun[1]

    def result(self, name):
        return {name: self.seconds, f"{name}_processor": self.processor}


def work():
    """Do jobs until none is left. With BENCH_LIMIT, Odoo makes and posts the same moves after each chunk."""
    with_limit = os.environ.get("BENCH_LIMIT") == "1"
    ours, odoo = Clock(), Clock()
    result = {"moves": 0, "memory": [], "queries": [], "repeated": 0}
    while True:
        before = cr.sql_log_count
        with ours:
            uuid = next_job()
            if not uuid:
                break
            job = repeat(result, perform, uuid)
        if not job:
            continue
        lines = env["emobility.billing.run.line"].browse(job.args[0])
        result["queries"].append([cr.sql_log_count - before, len(lines)])
        result["memory"].append(resident())
        moves = lines.move_ids
        result["moves"] += len(moves)
        if with_limit:
            limit(moves, odoo)
        say(f"{result['moves']} invoices")
    return result | ours.result("ours") | odoo.result("limit")


def content(moves):
    """What moves consist of, but for their numbers."""
    return [
        (move.partner_id.id, move.invoice_date, move.state, move.amount_total, move.emobility_contract_id.id, [
            (line.account_id.id, line.product_id.id, line.product_id and line.name, line.quantity, line.price_unit,
             line.balance, line.tax_ids.ids, line.tax_tag_ids.ids, line.emobility_tax_reason)
            for line in move.line_ids.sorted("id")])
        for move in moves]


def limit(moves, clock):
    """Odoo creates and posts the same moves from values that are given."""
    values = prepared_values(moves)
    env.flush_all()
    env.invalidate_all()
    with clock:
        made = env["account.move"].create(values)
        made.action_post()
        env.flush_all()
        cr.commit()
    if content(made) != content(moves):
        raise AssertionError("the moves of the limit are not those of the billing run")
    return made


def work_limit():
    """The limit alone, for a share of the moves: BENCH_SHARE is `number/of`."""
    number, of = (int(part) for part in os.environ["BENCH_SHARE"].split("/"))
    lines = env["emobility.billing.run.line"].search([], order="id")
    share = lines[number::of]
    odoo = Clock()
    result = {"repeated": 0}
    for first in range(0, len(share), 100):
        moves = share[first : first + 100].move_ids
        while not repeat(result, limit, moves, odoo):
            pass
        say(f"{first + len(moves)} of {len(share)} invoices")
    return result | odoo.result("limit")


def pdf():
    """Processor seconds for the PDF of invoices with 20 sessions each, ours and plain WeasyPrint for the same HTML."""
    import lxml.html
    from weasyprint import CSS, HTML

    moves = env["account.move"].search([("rating_ids", "!=", False), ("state", "=", "posted")], limit=41)
    report = env["ir.actions.report"].with_context(force_report_rendering=True)
    report._render_qweb_pdf("account.account_invoices", moves[:1].ids)
    begun = time.process_time()
    for move in moves[1:]:
        env.invalidate_all()
        report._render_qweb_pdf("account.account_invoices", move.ids)
    ours = time.process_time() - begun
    style = Path(os.environ["BENCH_STYLE"])
    html = [report._render_qweb_html("account.account_invoices", move.ids)[0].decode() for move in moves[1:11]]
    begun = time.process_time()
    for body in html:
        root = lxml.html.document_fromstring(body)
        for link in root.xpath("//link | //script"):
            link.drop_tree()
        HTML(string=lxml.html.tostring(root, encoding="unicode")).write_pdf(stylesheets=[CSS(filename=str(style))])
    plain = (time.process_time() - begun) / len(html)
    return {"ours": ours / (len(moves) - 1), "plain": plain, "sessions": moves[1].session_count}


result = globals()[os.environ["BENCH_STEP"]]()
Path(os.environ["BENCH_RESULT"]).write_text(json.dumps(result))
