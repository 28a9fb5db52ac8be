import { registry } from "@web/core/registry";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";
import { KanbanController } from "@web/views/kanban/kanban_controller";
import { kanbanView } from "@web/views/kanban/kanban_view";
import { ListController } from "@web/views/list/list_controller";
import { listView } from "@web/views/list/list_view";
import { useStationChanges } from "./station_changes";

const TYPES = {
    "emobility.station": "emobility_station_changed",
    "emobility.command": "emobility_command_changed",
    "emobility.session": "emobility_session_changed",
    "emobility.commissioning.wizard": "emobility_station_changed",
};

/** A list that shows what stations report as soon as Odoo knows it; not while somebody selects or edits. */
export class LiveListController extends ListController {
    setup() {
        super.setup();
        useStationChanges(TYPES[this.props.resModel], () => {
            const root = this.model.root;
            if (!root.editedRecord && !root.selection?.length) {
                this.model.load();
            }
        });
    }
}

/** Cards that do the same, for a phone. */
export class LiveKanbanController extends KanbanController {
    setup() {
        super.setup();
        useStationChanges(TYPES[this.props.resModel], () => this.model.load());
    }
}

/** A form that does the same; not while it holds changes that are not saved. */
export class LiveFormController extends FormController {
    setup() {
        super.setup();
        useStationChanges(TYPES[this.props.resModel], async (ids) => {
            const root = this.model.root;
            if (ids.has(this.watchedId) && !(await root.isDirty())) {
                this.model.load();
            }
        });
    }

    get watchedId() {
        return this.model.root.resId;
    }
}

/** Commissioning waits for the first boot of its station. */
export class CommissioningController extends LiveFormController {
    get watchedId() {
        return this.model.root.data.station_id?.id;
    }
}

registry.category("views").add("emobility_live_list", { ...listView, Controller: LiveListController });
registry.category("views").add("emobility_live_kanban", { ...kanbanView, Controller: LiveKanbanController });
registry.category("views").add("emobility_live_form", { ...formView, Controller: LiveFormController });
registry.category("views").add("emobility_commissioning", { ...formView, Controller: CommissioningController });
