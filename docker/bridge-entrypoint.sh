#!/bin/sh
# Reads the secrets from their files, so that they stand in no command line and no image.
set -eu
PGPASSWORD="$(cat /run/secrets/postgres_password)"
EMOBILITY_BRIDGE_ODOO_API_KEY="$(cat /run/secrets/bridge_api_key)"
export PGPASSWORD EMOBILITY_BRIDGE_ODOO_API_KEY
exec python -m emobility_bridge "$@"
