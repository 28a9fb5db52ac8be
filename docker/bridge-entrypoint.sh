#!/bin/sh
# Reads the secrets from their files, so that they stand in no command line and no image.
set -eu
EMOBILITY_BRIDGE_ODOO_API_KEY="$(cat /run/secrets/bridge_api_key)"
export EMOBILITY_BRIDGE_ODOO_API_KEY
if [ -f /run/secrets/postgres_password ]; then # a bridge on SQLite has none
    PGPASSWORD="$(cat /run/secrets/postgres_password)"
    export PGPASSWORD
fi
exec python -m emobility_bridge "$@"
