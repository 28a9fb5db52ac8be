#!/bin/sh
# Starts Odoo; the first start makes the database with the addons. The password is read from a secret, not from the
# command line, where every process could see it.
set -eu
PGPASSWORD="$(cat /run/secrets/postgres_password)"
export PGPASSWORD
common="--config /opt/emobility/odoo.conf --db_host ${PGHOST} --db_user ${PGUSER} --database ${ODOO_DATABASE}"
addons="emobility_crm,emobility_crm_lead,emobility_billing,emobility_collection,emobility_host,emobility_reporting,emobility_ocpp"
addons="${addons},emobility_roaming,emobility_settlement,emobility_payment_adyen,emobility_payment_mollie,emobility_payment_stripe,emobility_adhoc,emobility_adhoc_roaming,emobility_terminal,emobility_terminal_ocpi,emobility_terminal_stripe,emobility_nap"
odoo="/opt/emobility/.runtime/venv/bin/python /opt/emobility/runner/bin/odoo"
if [ ! -f /var/lib/odoo/.initialised ]; then
    # shellcheck disable=SC2086
    $odoo server $common --addons-path /opt/emobility/addons --init "$addons" --stop-after-init --no-http
    touch /var/lib/odoo/.initialised
fi
# shellcheck disable=SC2086
exec $odoo server $common --http-interface 0.0.0.0 "$@"
