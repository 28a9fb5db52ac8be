-- The bridge's own database. Every statement may run again on a database that already has it.

CREATE SEQUENCE IF NOT EXISTS transaction_id_seq AS integer;  -- OCPP 1.6: positive int32, unique for all stations
CREATE SEQUENCE IF NOT EXISTS remote_id_seq AS integer;       -- OCPP 2.0.1 remoteStartId

-- A bridge process owns a number while it runs (an advisory lock) and writes its part of the journal under it.
CREATE TABLE IF NOT EXISTS node (
    id smallint PRIMARY KEY,
    handled_id bigint NOT NULL DEFAULT 0,  -- the ledger has applied the journal of this node up to here
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- What was on the wire, as it was, with the answer that it got; append-only. This commit is what an answer rests on.
CREATE SEQUENCE IF NOT EXISTS journal_id_seq INCREMENT 1000;  -- a node takes ids by the block
CREATE TABLE IF NOT EXISTS journal (
    id bigint NOT NULL,
    node smallint NOT NULL,
    station text NOT NULL,
    direction text NOT NULL,           -- in, out; up and down: the socket was opened, is gone
    at timestamptz NOT NULL,
    ocpp text NOT NULL,
    action text,
    raw text NOT NULL,
    answer text,
    note jsonb,                        -- what the answer was made from, for the ledger
    problem text,
    PRIMARY KEY (node, id)
);
CREATE INDEX IF NOT EXISTS journal_station ON journal (station, id);
CREATE INDEX IF NOT EXISTS journal_at ON journal USING brin (at);

-- Transaction ids of OCPP 1.6: the same start has the same id, however often it is sent.
CREATE TABLE IF NOT EXISTS transaction_number (
    station text NOT NULL,
    natural_key text NOT NULL,
    id integer NOT NULL DEFAULT nextval('transaction_id_seq'),
    PRIMARY KEY (station, natural_key)
);

-- Copies of what Odoo knows, so that stations work while Odoo does not.
CREATE TABLE IF NOT EXISTS station (
    identity text PRIMARY KEY,
    password_hash text NOT NULL,
    accepted boolean NOT NULL,
    offline_policy text NOT NULL,
    security_profile smallint NOT NULL DEFAULT 1,
    certificates text[] NOT NULL DEFAULT '{}'  -- serial numbers that are good; all others are revoked
);
-- Who knocked without being known: a person decides in Odoo.
CREATE TABLE IF NOT EXISTS stranger (
    identity text PRIMARY KEY,
    attempts integer NOT NULL DEFAULT 1,
    first_seen timestamptz NOT NULL DEFAULT now(),
    reported_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS token (
    key text PRIMARY KEY,  -- upper case: an OCPP idTag is case-insensitive
    uid text NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    valid_until timestamptz,
    group_id text,
    price_group text       -- tokens of one group pay the same wherever they charge
);
-- What drivers pay at a station of OCPP 2.1, where that can be told: TariffType.
CREATE TABLE IF NOT EXISTS driver_tariff (
    station text NOT NULL,
    price_group text NOT NULL,
    tariff jsonb NOT NULL,
    valid_until timestamptz NOT NULL,
    PRIMARY KEY (station, price_group)
);
CREATE TABLE IF NOT EXISTS sync_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    cursor jsonb NOT NULL DEFAULT 'false',
    synced_at timestamptz,
    tried_at timestamptz               -- when Odoo did not answer
);
INSERT INTO sync_state DEFAULT VALUES ON CONFLICT DO NOTHING;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'token'::regclass AND attname = 'price_group') THEN
        ALTER TABLE token ADD COLUMN price_group text;
        UPDATE sync_state SET cursor = 'false';  -- all tokens have to come anew
    END IF;
END $$;

-- One row per identity that ever connected.
CREATE TABLE IF NOT EXISTS station_state (
    identity text PRIMARY KEY,
    boots integer NOT NULL DEFAULT 0,
    node smallint,                      -- the node that holds its socket
    generation integer NOT NULL DEFAULT 0,  -- grows with each socket: the end of an older one changes nothing
    ocpp text
);
CREATE INDEX IF NOT EXISTS station_state_node ON station_state (node) WHERE node IS NOT NULL;

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
    version integer NOT NULL DEFAULT 0,  -- two ledgers never overwrite each other unseen
    UNIQUE (station, natural_key)
);
-- Only where it is missing: the statement locks the table, and other bridges may be at work.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'session'::regclass AND attname = 'end_assumed') THEN
        ALTER TABLE session ADD COLUMN end_assumed boolean NOT NULL DEFAULT false;  -- nobody reported the end
    END IF;
END $$;
CREATE INDEX IF NOT EXISTS session_transaction ON session (station, transaction_id);
CREATE INDEX IF NOT EXISTS session_evse ON session (station, evse, started_at);
CREATE INDEX IF NOT EXISTS session_waiting ON session (station) WHERE ended_at IS NULL OR cable_out_at IS NULL;

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
    node smallint,                     -- who has put it on the wire
    session_uid uuid                   -- the session that a remote start led to
);
CREATE INDEX IF NOT EXISTS command_open ON command (state) WHERE state IN ('new', 'sent');
CREATE INDEX IF NOT EXISTS command_station ON command (station, created_at);
