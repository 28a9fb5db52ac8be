-- The bridge's own database. Every statement may run again on a database that already has it.

CREATE SEQUENCE IF NOT EXISTS transaction_id_seq AS integer;  -- OCPP 1.6: positive int32, unique for all stations
CREATE SEQUENCE IF NOT EXISTS remote_id_seq AS integer;       -- OCPP 2.0.1 remoteStartId

-- What was on the wire, as it was; append-only.
CREATE TABLE IF NOT EXISTS frame_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    at timestamptz NOT NULL DEFAULT now(),
    message_id text,
    action text,
    raw text NOT NULL,
    problem text
);
CREATE INDEX IF NOT EXISTS frame_log_station_at ON frame_log (station, at);
CREATE INDEX IF NOT EXISTS frame_log_at ON frame_log (at);

-- Copies of what Odoo knows, so that stations work while Odoo does not.
CREATE TABLE IF NOT EXISTS station (
    identity text PRIMARY KEY,
    password_hash text NOT NULL,
    accepted boolean NOT NULL,
    offline_policy text NOT NULL
);
CREATE TABLE IF NOT EXISTS token (
    key text PRIMARY KEY,  -- upper case: an OCPP idTag is case-insensitive
    uid text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    valid_until timestamptz,
    group_id text
);
CREATE TABLE IF NOT EXISTS sync_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    cursor jsonb NOT NULL DEFAULT 'false',
    synced_at timestamptz
);
INSERT INTO sync_state DEFAULT VALUES ON CONFLICT DO NOTHING;

-- One row per identity; its row lock makes the messages of one station strictly serial.
CREATE TABLE IF NOT EXISTS station_state (
    identity text PRIMARY KEY,
    boots integer NOT NULL DEFAULT 0,
    connected boolean NOT NULL DEFAULT false,
    ocpp text,
    heartbeat_at timestamptz
);

CREATE TABLE IF NOT EXISTS session (
    uid uuid PRIMARY KEY,
    station text NOT NULL,
    natural_key text NOT NULL,
    transaction_id text NOT NULL,
    evse integer NOT NULL,
    connector integer NOT NULL,
    token_uid text,
    token_type text,
    authorization_status text,         -- NULL: there is no token that could have been asked about
    remote_ref text,
    started_at timestamptz NOT NULL,
    meter_start_kwh numeric,
    start_seen boolean NOT NULL,       -- false while only later messages of the transaction arrived
    state text,
    state_at timestamptz,
    ended_at timestamptz,
    meter_stop_kwh numeric,
    cable_out_at timestamptz,          -- the connector became available; reported once the session has ended
    UNIQUE (station, natural_key)
);
CREATE INDEX IF NOT EXISTS session_transaction ON session (station, transaction_id);
CREATE INDEX IF NOT EXISTS session_evse ON session (station, evse, started_at);

-- Statuses overtake the transaction that they belong to: a replayed start looks back into these rows.
CREATE TABLE IF NOT EXISTS connector_status (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station text NOT NULL,
    evse integer NOT NULL,
    status text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS connector_status_evse ON connector_status (station, evse, at);

CREATE TABLE IF NOT EXISTS outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aggregate text NOT NULL,           -- events of one aggregate are delivered in the order of id
    uid uuid NOT NULL UNIQUE,
    event jsonb NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    next_try timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    last_error text
);
CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (aggregate, id) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_queue ON outbox (id) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS outbox_delivered ON outbox (delivered_at) WHERE delivered_at IS NOT NULL;

-- Events that Odoo refused for good. A person decides; `INSERT INTO outbox (aggregate, uid, event) SELECT …` retries.
CREATE TABLE IF NOT EXISTS dead_letter (
    uid uuid PRIMARY KEY,
    aggregate text NOT NULL,
    event jsonb NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS command (
    uid text PRIMARY KEY,
    station text NOT NULL,
    action text NOT NULL,
    payload jsonb NOT NULL,
    expires_at timestamptz,
    state text NOT NULL DEFAULT 'new', -- new, sent, then a final status of command.result
    remote_id integer NOT NULL DEFAULT nextval('remote_id_seq'),
    created_at timestamptz NOT NULL DEFAULT now(),
    session_uid uuid                   -- the session that a remote start led to
);
CREATE INDEX IF NOT EXISTS command_open ON command (state) WHERE state IN ('new', 'sent');
CREATE INDEX IF NOT EXISTS command_station ON command (station, created_at);
