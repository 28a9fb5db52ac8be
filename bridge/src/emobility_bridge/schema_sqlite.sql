-- The bridge's own database as a SQLite file: schema.sql, whose comments hold here too. `sqlite` knows the types.
BEGIN IMMEDIATE;

CREATE TABLE IF NOT EXISTS node (
    id integer PRIMARY KEY,
    handled_id integer NOT NULL DEFAULT 0,
    seen_at timetext NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'))
);

CREATE TABLE IF NOT EXISTS journal (
    id integer PRIMARY KEY AUTOINCREMENT,
    node integer NOT NULL,
    station text NOT NULL,
    direction text NOT NULL,
    at timetext NOT NULL,
    ocpp text NOT NULL,
    action text,
    raw text NOT NULL,
    answer text,
    note jsontext,
    problem text
);
CREATE INDEX IF NOT EXISTS journal_station ON journal (station, id);
CREATE INDEX IF NOT EXISTS journal_at ON journal (at);

CREATE TABLE IF NOT EXISTS transaction_number (
    id integer PRIMARY KEY AUTOINCREMENT,
    station text NOT NULL,
    natural_key text NOT NULL,
    UNIQUE (station, natural_key)
);

CREATE TABLE IF NOT EXISTS station (
    identity text PRIMARY KEY,
    password_hash text NOT NULL,
    accepted boolean NOT NULL,
    offline_policy text NOT NULL,
    security_profile integer NOT NULL DEFAULT 1,
    certificates jsontext NOT NULL DEFAULT '[]'
);
CREATE TABLE IF NOT EXISTS stranger (
    identity text PRIMARY KEY,
    attempts integer NOT NULL DEFAULT 1,
    first_seen timetext NOT NULL,
    reported_at timetext NOT NULL
);
CREATE TABLE IF NOT EXISTS token (
    key text PRIMARY KEY,
    uid text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    valid_until timetext,
    group_id text,
    price_group text
);
CREATE TABLE IF NOT EXISTS driver_tariff (
    station text NOT NULL,
    price_group text NOT NULL,
    tariff jsontext NOT NULL,
    valid_until timetext NOT NULL,
    PRIMARY KEY (station, price_group)
);
CREATE TABLE IF NOT EXISTS sync_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    cursor jsontext NOT NULL DEFAULT 'false',
    synced_at timetext,
    tried_at timetext
);
INSERT OR IGNORE INTO sync_state DEFAULT VALUES;

CREATE TABLE IF NOT EXISTS station_state (
    identity text PRIMARY KEY,
    boots integer NOT NULL DEFAULT 0,
    node integer,
    generation integer NOT NULL DEFAULT 0,
    ocpp text
);
CREATE INDEX IF NOT EXISTS station_state_node ON station_state (node) WHERE node IS NOT NULL;

CREATE TABLE IF NOT EXISTS session (
    uid uuidtext PRIMARY KEY,
    station text NOT NULL,
    natural_key text NOT NULL,
    transaction_id text NOT NULL,
    evse integer NOT NULL,
    connector integer NOT NULL,
    token_uid text,
    token_type text,
    authorization_status text,
    remote_ref text,
    started_at timetext NOT NULL,
    meter_start_kwh decimaltext,
    start_seen boolean NOT NULL,
    state text,
    state_at timetext,
    ended_at timetext,
    meter_stop_kwh decimaltext,
    cable_out_at timetext,
    end_assumed boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 0,
    UNIQUE (station, natural_key)
);
CREATE INDEX IF NOT EXISTS session_transaction ON session (station, transaction_id);
CREATE INDEX IF NOT EXISTS session_evse ON session (station, evse, started_at);
CREATE INDEX IF NOT EXISTS session_waiting ON session (station) WHERE ended_at IS NULL OR cable_out_at IS NULL;

CREATE TABLE IF NOT EXISTS connector_status (
    id integer PRIMARY KEY AUTOINCREMENT,
    station text NOT NULL,
    evse integer NOT NULL,
    status text NOT NULL,
    at timetext NOT NULL
);
CREATE INDEX IF NOT EXISTS connector_status_evse ON connector_status (station, evse, at);

CREATE TABLE IF NOT EXISTS outbox (
    id integer PRIMARY KEY AUTOINCREMENT,
    aggregate text NOT NULL,
    uid uuidtext NOT NULL UNIQUE,
    event jsontext NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_try timetext NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')),
    created_at timetext NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')),
    delivered_at timetext,
    last_error text
);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (aggregate, id) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_queue ON outbox (id) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS dead_letter (
    uid uuidtext PRIMARY KEY,
    aggregate text NOT NULL,
    event jsontext NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    at timetext NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now'))
);

CREATE TABLE IF NOT EXISTS command (
    remote_id integer PRIMARY KEY AUTOINCREMENT,
    uid text NOT NULL UNIQUE,
    station text NOT NULL,
    action text NOT NULL,
    payload jsontext NOT NULL,
    expires_at timetext,
    state text NOT NULL DEFAULT 'new',
    created_at timetext NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now')),
    node integer,
    session_uid uuidtext
);
CREATE INDEX IF NOT EXISTS command_open ON command (state) WHERE state IN ('new', 'sent');
CREATE INDEX IF NOT EXISTS command_station ON command (station, created_at);

COMMIT;
