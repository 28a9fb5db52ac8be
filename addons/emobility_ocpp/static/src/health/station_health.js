import { Component, onWillStart, useState } from "@odoo/owl";
import { deserializeDate, formatDate } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { useStationChanges } from "../live/station_changes";

const HEIGHT = 160;

/** How the stations are: tiles that open what they count, and the uptime of the last 30 days. */
export class StationHealth extends Component {
    static template = "emobility_ocpp.StationHealth";
    static components = { Layout };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = { controlPanel: {} };
        this.height = HEIGHT;
        this.state = useState({ health: null });
        onWillStart(() => this.load());
        useStationChanges("emobility_station_changed", () => this.load());
    }

    async load() {
        this.state.health = await this.orm.call("emobility.station", "get_health", []);
    }

    get tiles() {
        const health = this.state.health;
        const station = "emobility_ocpp.emobility_station_action";
        return [
            { label: _t("Connected"), value: health.online, tone: "success", action: station, filter: "online" },
            { label: _t("Offline"), value: health.offline, tone: "danger", action: station, filter: "offline" },
            { label: _t("Never connected"), value: health.never, tone: "muted", action: station, filter: "never" },
            { label: _t("Not accepted"), value: health.not_accepted, tone: "warning", action: station, filter: "not_accepted" },
            { label: _t("EVSEs out of order"), value: health.faulted, tone: "danger", action: "emobility_crm.action_emobility_evse", filter: "faulted" },
            { label: _t("Alarms"), value: health.alarms, tone: "danger", action: station, filter: "alarms" },
            { label: _t("Unknown stations"), value: health.unknown, tone: "warning", action: "emobility_ocpp.emobility_station_unknown_action" },
            { label: _t("Messages to look at"), value: health.failed_messages, tone: "warning", action: "emobility_ocpp.emobility_ocpp_message_action", filter: "errors" },
        ];
    }

    /** The lowest day decides the scale: between 99 and 100 percent there is much to see. */
    get bars() {
        const days = this.state.health.days.filter((day) => day.uptime !== false);
        const floor = Math.max(0, Math.floor(Math.min(...days.map((day) => day.uptime)) - 1));
        const width = 100 / Math.max(days.length, 1);
        return days.map((day, number) => {
            const height = (HEIGHT * (day.uptime - floor)) / (100 - floor);
            const date = formatDate(deserializeDate(day.day));
            return { ...day, date, floor, x: `${number * width}%`, y: HEIGHT - height, height, width: `${width * 0.8}%` };
        });
    }

    open(tile) {
        const context = tile.filter ? { [`search_default_${tile.filter}`]: 1 } : {};
        this.action.doAction(tile.action, { additionalContext: context });
    }

    openDays() {
        this.action.doAction("emobility_ocpp.emobility_station_day_action");
    }
}

registry.category("actions").add("emobility_station_health", StationHealth);
