import { onMounted, onWillUnmount } from "@odoo/owl";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";

const PAUSE = 500; // stations report in bursts: one reload for many changes

/**
 * Call `onChange` with the ids of what the bridge has reported on, soon after it did.
 *
 * @param {string} type of the notification
 * @param {(ids: Set<number>) => void} onChange
 */
export function useStationChanges(type, onChange) {
    const bus = useService("bus_service");
    let ids = new Set();
    let timer = null;
    const note = (payload) => {
        payload.ids.forEach((id) => ids.add(id));
        timer ??= setTimeout(() => {
            const changed = ids;
            ids = new Set();
            timer = null;
            onChange(changed);
        }, PAUSE);
    };
    onMounted(() => {
        // Channels are left open: the view that comes next wants the same.
        for (const company of user.activeCompanies) {
            bus.addChannel(`emobility_stations_${company.id}`);
        }
        bus.subscribe(type, note);
    });
    onWillUnmount(() => {
        bus.unsubscribe(type, note);
        clearTimeout(timer);
    });
}
