import { Component, onMounted, onPatched, onWillStart, onWillUnmount, useRef, useState } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { _t } from "@web/core/l10n/translation";
import { formatFloat } from "@web/core/utils/numbers";
import { formatMonetary } from "@web/views/fields/formatters";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Many2XAutocomplete } from "@web/views/fields/relational_utils";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";

const { DateTime } = luxon;
const BLUE = "#2b6cb0";
const GREEN = "#2f855a";
const AMBER = "#b7791f";
const RED = "#c53030";
const LINK_CURSOR = { onHover: (event, items) => (event.native.target.style.cursor = items.length ? "pointer" : "default") };

/** Figures of charging: tiles and charts, each of which opens the records behind it. */
export class ChargingDashboard extends Component {
    static template = "emobility_reporting.Dashboard";
    static components = { Many2XAutocomplete };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.charts = {};
        this.drawn = null;
        this.canvases = {
            days: useRef("days"),
            hours: useRef("hours"),
            locations: useRef("locations"),
            groups: useRef("groups"),
            partners: useRef("partners"),
            holds: useRef("holds"),
            ages: useRef("ages"),
        };
        this.state = useState({ period: "month", filters: {}, names: {}, figures: null });
        onWillStart(async () => {
            await Promise.all([loadBundle("web.chartjs_lib"), this.load()]);
        });
        onMounted(() => this.draw());
        onPatched(() => this.draw());
        onWillUnmount(() => Object.values(this.charts).forEach((chart) => chart.destroy()));
    }

    get periods() {
        return [
            { id: "month", label: _t("This month") },
            { id: "last", label: _t("Last month") },
            { id: "days30", label: _t("30 days") },
            { id: "year", label: _t("This year") },
        ];
    }

    get dimensions() {
        return [
            { field: "location_id", model: "emobility.location", label: _t("All locations") },
            { field: "location_group_id", model: "emobility.location.group", label: _t("All location groups") },
            { field: "customer_group_id", model: "emobility.customer.group", label: _t("All customer groups") },
            { field: "partner_id", model: "res.partner", label: _t("All partners") },
        ];
    }

    /** First and last day of the chosen period. */
    get bounds() {
        const today = DateTime.local().startOf("day");
        const last = today.minus({ months: 1 });
        return {
            month: [today.startOf("month"), today.endOf("month")],
            last: [last.startOf("month"), last.endOf("month")],
            days30: [today.minus({ days: 29 }), today],
            year: [today.startOf("year"), today.endOf("year")],
        }[this.state.period].map((day) => day.toISODate());
    }

    async load() {
        const [from, to] = this.bounds;
        this.state.figures = await this.orm.call("emobility.dashboard", "get_figures", [from, to, { ...this.state.filters }]);
    }

    setPeriod(period) {
        this.state.period = period;
        return this.load();
    }

    setFilter(field, records) {
        const [record] = records || [];
        this.state.filters[field] = record ? record.id : false;
        this.state.names[field] = record ? record.display_name || record.name || "" : "";
        return this.load();
    }

    // Writing

    money(value) {
        return formatMonetary(value, { currencyId: this.state.figures.currency.id });
    }

    number(value, digits = 0) {
        return formatFloat(value, { digits: [16, digits] });
    }

    /** Tiles: what was earned in the period, compared with the one before. */
    get tiles() {
        const { totals, previous } = this.state.figures;
        const tile = (name, label, value) => {
            const before = previous[name];
            const change = before ? Math.round((100 * (totals[name] - before)) / Math.abs(before)) : null;
            return { name, label, value, change };
        };
        return [
            tile("revenue", _t("Revenue (net)"), this.money(totals.revenue)),
            tile("margin", _t("Margin (net)"), this.money(totals.margin)),
            tile("energy_kwh", _t("Energy"), `${this.number(totals.energy_kwh)} kWh`),
            tile("session_count", _t("Sessions"), this.number(totals.session_count)),
        ];
    }

    /** Tiles: what waits for somebody now. */
    get waiting() {
        const open = this.state.figures.open;
        const company = ["company_id", "=", this.company];
        return [
            { label: _t("Owed by customers"), value: this.money(open.owed), note: _t("%s invoices", open.owed_count),
              open: () => this.openWindow(_t("Open invoices"), "account.move", open.owed_domain) },
            { label: _t("Overdue"), value: this.money(open.overdue), alert: open.overdue > 0,
              open: () => this.openWindow(_t("Overdue invoices"), "account.move", [...open.owed_domain, ["invoice_date_due", "<", DateTime.local().toISODate()]]) },
            { label: _t("Not invoiced yet (net)"), value: this.money(open.unbilled),
              open: () => this.openWindow(_t("To invoice"), "emobility.rating", [["state", "=", "open"], company, ["relation", "in", ["retail", "adhoc"]]]) },
            { label: _t("Held sessions"), value: this.number(open.held), alert: open.held > 0,
              open: () => this.openWindow(_t("Held sessions"), "emobility.session", [["state", "=", "held"], company]) },
            { label: _t("Charging now"), value: this.number(open.live),
              open: () => this.openWindow(_t("Charging now"), "emobility.session", [["state", "=", "live"], company]) },
            { label: _t("Breaks"), value: this.number(open.breaks), alert: open.breaks > 0,
              open: () => this.action.doAction("emobility_reporting.action_reconciliation_break") },
        ];
    }

    get company() {
        return this.state.figures.domain[0][2];
    }

    // Drilling down

    openWindow(name, model, domain) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: model,
            domain,
            views: [[false, "list"], [false, "form"]],
        });
    }

    /** The figures of the period, narrowed by a term; its list opens the sessions. */
    openFigures(name, terms = []) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: "emobility.session.report",
            domain: [...this.state.figures.domain, ...terms],
            views: [[false, "list"], [false, "graph"], [false, "pivot"]],
        });
    }

    // Drawing

    draw() {
        const figures = this.state.figures;
        if (!figures || this.drawn === figures) {
            return;
        }
        this.drawn = figures;
        const money = (value) => this.money(value);
        const energy = (value) => `${this.number(value)} kWh`;
        this.chart("days", "bar", figures.days, [
            { label: _t("Revenue (net)"), key: "revenue", colour: BLUE },
            { label: _t("Margin (net)"), key: "margin", colour: GREEN, type: "line" },
        ], money, (row) => this.openFigures(row.label, [["local_date", ">=", row.from], ["local_date", "<=", row.to]]));
        this.chart("hours", "bar", figures.hours, [{ label: _t("Energy"), key: "energy", colour: GREEN }], energy,
            (row) => this.openFigures(_t("Start at %s h", row.label), [["local_hour", "=", row.label]]));
        for (const name of ["locations", "groups", "partners"]) {
            this.chart(name, "bar", figures[name], [{ label: _t("Revenue (net)"), key: "revenue", colour: BLUE }], money,
                (row) => this.openFigures(row.label, [[row.field, "=", row.id]]), true);
        }
        this.chart("holds", "bar", figures.holds, [{ label: _t("Held"), key: "count", colour: AMBER }], (value) => this.number(value),
            (row) => this.openWindow(row.label, "emobility.hold", [["state", "=", "open"], ["reason_code", "=", row.code], ["company_id", "=", this.company]]), true);
        this.chart("ages", "bar", figures.ages, [{ label: _t("Overdue"), key: "amount", colour: RED }], money,
            (row) => this.openWindow(row.label, "account.move", row.domain));
    }

    chart(name, type, rows, series, write, open, flat = false) {
        this.charts[name]?.destroy();
        delete this.charts[name];
        const canvas = this.canvases[name].el;
        if (!canvas) {
            return;
        }
        const value = (context) => context.parsed[flat ? "x" : "y"];
        this.charts[name] = new Chart(canvas, {
            type,
            data: {
                labels: rows.map((row) => this.shortLabel(row.label)),
                datasets: series.map((one) => ({
                    type: one.type || type,
                    label: one.label,
                    data: rows.map((row) => row[one.key]),
                    backgroundColor: one.colour,
                    borderColor: one.colour,
                    borderRadius: 3,
                    maxBarThickness: 28,
                    tension: 0,
                    pointRadius: 2,
                    order: one.type === "line" ? 0 : 1,
                })),
            },
            options: {
                ...LINK_CURSOR,
                indexAxis: flat ? "y" : "x",
                responsive: true,
                maintainAspectRatio: false,
                animation: false,
                interaction: { mode: "index", axis: flat ? "y" : "x", intersect: false },
                plugins: {
                    legend: { display: series.length > 1, position: "bottom" },
                    tooltip: { callbacks: {
                        title: ([item]) => rows[item.dataIndex].label,
                        label: (context) => `${context.dataset.label}: ${write(value(context))}`,
                    } },
                },
                scales: {
                    [flat ? "x" : "y"]: { beginAtZero: true, ticks: { maxTicksLimit: 6, callback: (tick) => this.number(tick) } },
                    [flat ? "y" : "x"]: { grid: { display: false } },
                },
                onClick: (event, items) => items.length && open(rows[items[0].index]),
            },
        });
    }

    shortLabel(label) {
        const day = /^\d{4}-\d{2}-(\d{2})$/.exec(label);
        const text = day ? day[1] : label;
        return text.length > 26 ? `${text.slice(0, 25)}…` : text;
    }
}

registry.category("actions").add("emobility_reporting.dashboard", ChargingDashboard);
