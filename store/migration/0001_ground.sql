-- What a feed row needs to be taken, kept, counted and proven.
--
-- Every table below but the mirrors and the ledger's own is covered by the
-- record: its rows start with id and salt, and pass through Tx.insert,
-- Tx.update and Tx.delete. Moments are microseconds since 1970 UTC; 0 is
-- "never" where a moment may be missing. Addresses are 16 octets.
--
-- {id} is the key that the database finds fastest, {clustered} keeps a table
-- in the order of its primary key where the database can.

CREATE TABLE migration (
  id         {id},
  salt       BYTEA  NOT NULL,
  name       TEXT   NOT NULL,
  digest     BYTEA  NOT NULL,
  schema_min BIGINT NOT NULL, -- a program that knows fewer migrations refuses to open
  applied_at BIGINT NOT NULL
);

-- The record. A change set is one commit's changes to covered rows; seq is its
-- place in the ledger, -1 until numbered.
CREATE TABLE change_set (
  id          {id},
  seq         BIGINT NOT NULL,
  kind        TEXT   NOT NULL,
  actor       TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  changes     BYTEA  NOT NULL,
  seal        BYTEA  NOT NULL  -- signature of the leaf
);
CREATE UNIQUE INDEX change_set_seq ON change_set (seq) WHERE seq >= 0;
CREATE INDEX change_set_waiting ON change_set (id) WHERE seq < 0;

CREATE TABLE ledger_hash (
  id   {id}, -- index in the stored-hash order of the tree
  hash BYTEA NOT NULL
);

CREATE TABLE checkpoint (
  id   {id}, -- 1: the newest; older roots can be computed again
  size BIGINT NOT NULL,
  note TEXT   NOT NULL
);

-- Who claims, and on which days anything was heard of them.
CREATE TABLE source (
  id          {id},
  salt        BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  name        TEXT   NOT NULL,
  gap_days    BIGINT NOT NULL,
  days        BYTEA  NOT NULL,
  recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX source_name ON source (tenant, exercise, name);

CREATE TABLE delivery (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  digest      BYTEA  NOT NULL,
  bytes       BIGINT NOT NULL,
  feed        TEXT   NOT NULL,
  type        TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  door        TEXT   NOT NULL,
  received_at BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  rows_read   BIGINT NOT NULL, -- the cursor: it moves by compare-and-swap
  taken       BIGINT NOT NULL,
  duplicate   BIGINT NOT NULL,
  refused     BIGINT NOT NULL,
  format      BIGINT NOT NULL,
  fault       TEXT   NOT NULL
);
CREATE UNIQUE INDEX delivery_public ON delivery (public);
CREATE UNIQUE INDEX delivery_content ON delivery (tenant, exercise, digest, feed, type);
CREATE INDEX delivery_waiting ON delivery (id) WHERE state = 0;

CREATE TABLE refusal (
  id       {id},
  salt     BYTEA  NOT NULL,
  delivery BIGINT NOT NULL,
  row_no   BIGINT NOT NULL,
  line     BIGINT NOT NULL,
  field    TEXT   NOT NULL,
  reason   TEXT   NOT NULL
);
CREATE INDEX refusal_delivery ON refusal (delivery, id);

-- One commit of folding: which rows, by which format and which table of holdings.
CREATE TABLE batch (
  id          {id},
  salt        BYTEA  NOT NULL,
  delivery    BIGINT NOT NULL,
  first_row   BIGINT NOT NULL,
  last_row    BIGINT NOT NULL,
  taken       BIGINT NOT NULL,
  duplicate   BIGINT NOT NULL,
  refused     BIGINT NOT NULL,
  format      BIGINT NOT NULL,
  holdings    BIGINT NOT NULL, -- newest holding_import then in use, 0 none
  recorded_at BIGINT NOT NULL
);
CREATE INDEX batch_delivery ON batch (delivery, id);

-- What was claimed before. A mirror of observation, kept apart so that
-- observations can be partitioned by month one day.
CREATE TABLE seen (
  observed_at BIGINT NOT NULL,
  key         BYTEA  NOT NULL,
  observation BIGINT NOT NULL,
  PRIMARY KEY (observed_at, key)
) {clustered};

-- From which observation on seen remembers; one row.
CREATE TABLE horizon (
  id          {id},
  salt        BYTEA  NOT NULL,
  seen_from   BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL
);

CREATE TABLE observation (
  id          {id},
  salt        BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  observed_at BIGINT NOT NULL,
  key         BYTEA  NOT NULL,
  delivery    BIGINT NOT NULL,
  row_no      BIGINT NOT NULL,
  batch       BIGINT NOT NULL,
  source      BIGINT NOT NULL,
  threat      BIGINT NOT NULL,
  finding     BIGINT NOT NULL,
  type        BIGINT NOT NULL,
  role        BIGINT NOT NULL,
  severity    BIGINT NOT NULL,
  confidence  BIGINT NOT NULL, -- thousandths
  identifier  TEXT   NOT NULL,
  family      TEXT   NOT NULL,
  asset_kind  BIGINT NOT NULL,
  asset       BYTEA  NOT NULL,
  port        BIGINT NOT NULL,
  transport   BIGINT NOT NULL,
  peer_kind   BIGINT NOT NULL,
  peer        BYTEA  NOT NULL,
  peer_port   BIGINT NOT NULL,
  asn         BIGINT NOT NULL
);

CREATE TABLE threat (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  class       TEXT   NOT NULL,
  family      TEXT   NOT NULL, -- as first written, '' where no source names one
  name        TEXT   NOT NULL, -- the family, or a source's word for what it found
  family_key  TEXT   NOT NULL,
  first_seen  BIGINT NOT NULL,
  last_seen   BIGINT NOT NULL,
  count       BIGINT NOT NULL,
  findings    BIGINT NOT NULL
);
CREATE UNIQUE INDEX threat_public ON threat (public);
CREATE UNIQUE INDEX threat_family ON threat (tenant, exercise, class, family_key);

CREATE TABLE finding (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  threat      BIGINT NOT NULL,
  role        BIGINT NOT NULL,
  asset_kind  BIGINT NOT NULL,
  asset       BYTEA  NOT NULL,
  port        BIGINT NOT NULL,
  type        BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  severity    BIGINT NOT NULL,
  first_seen  BIGINT NOT NULL,
  last_seen   BIGINT NOT NULL,
  count       BIGINT NOT NULL,
  days        BYTEA  NOT NULL,
  sources     BYTEA  NOT NULL, -- numbers of sources, varints, sorted
  asn         BIGINT NOT NULL,
  holder      TEXT   NOT NULL,
  party       TEXT   NOT NULL
);
CREATE UNIQUE INDEX finding_public ON finding (public);
CREATE UNIQUE INDEX finding_asset ON finding (threat, role, asset_kind, asset, port);

-- Sizes: exact assets a UTC day, a sketch a clock hour, and what follows of them.
CREATE TABLE threat_day (
  id     {id},
  salt   BYTEA  NOT NULL,
  threat BIGINT NOT NULL,
  role   BIGINT NOT NULL,
  day    BIGINT NOT NULL,
  assets BIGINT NOT NULL
);
CREATE UNIQUE INDEX threat_day_key ON threat_day (threat, role, day);

CREATE TABLE threat_hour (
  id     {id},
  salt   BYTEA  NOT NULL,
  threat BIGINT NOT NULL,
  role   BIGINT NOT NULL,
  hour   BIGINT NOT NULL, -- hours since 1970 UTC
  sketch BYTEA  NOT NULL
);
CREATE UNIQUE INDEX threat_hour_key ON threat_hour (threat, role, hour);

CREATE TABLE threat_size (
  id            {id},
  salt          BYTEA  NOT NULL,
  threat        BIGINT NOT NULL,
  role          BIGINT NOT NULL,
  total         BIGINT NOT NULL,
  peak_day      BIGINT NOT NULL,
  day_low       BIGINT NOT NULL,
  day_point     BIGINT NOT NULL,
  day_high      BIGINT NOT NULL,
  hour_low      BIGINT NOT NULL,
  hour_point    BIGINT NOT NULL,
  hour_high     BIGINT NOT NULL
);
CREATE UNIQUE INDEX threat_size_key ON threat_size (threat, role);

CREATE TABLE holding_import (
  id          {id},
  salt        BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  source      TEXT   NOT NULL,
  name        TEXT   NOT NULL,
  digest      BYTEA  NOT NULL, -- of the file as it came
  as_of       BIGINT NOT NULL,
  state       BIGINT NOT NULL, -- 0 running, 1 in force, 2 given up
  rows_read   BIGINT NOT NULL,
  refused     BIGINT NOT NULL,
  added       BIGINT NOT NULL,
  ended       BIGINT NOT NULL,
  compiled    BYTEA  NOT NULL  -- SHA-256 of the compiled table of all holdings after it
);

CREATE TABLE holding (
  id         {id},
  salt       BYTEA  NOT NULL,
  tenant     BIGINT NOT NULL,
  source     TEXT   NOT NULL,
  low        BYTEA  NOT NULL,
  high       BYTEA  NOT NULL,
  suffix     TEXT   NOT NULL,
  asn        BIGINT NOT NULL,
  holder     TEXT   NOT NULL,
  party      TEXT   NOT NULL,
  region     TEXT   NOT NULL,
  held_from  BIGINT NOT NULL, -- 0: since before anybody asked
  held_to    BIGINT NOT NULL, -- as the table says, 0: still; an import that ends it sooner is ended_by
  begun_by   BIGINT NOT NULL, -- holding_import
  ended_by   BIGINT NOT NULL  -- holding_import, 0 none
);
CREATE INDEX holding_source ON holding (tenant, source, id);
CREATE INDEX holding_begun ON holding (begun_by, id);

CREATE TABLE outbox (
  id          {id},
  salt        BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  kind        TEXT   NOT NULL,
  message_id  TEXT   NOT NULL, -- stable over every attempt
  payload     BYTEA  NOT NULL,
  state       BIGINT NOT NULL, -- 0 waiting, 1 sending, 2 sent, 3 dead
  attempts    BIGINT NOT NULL,
  due_at      BIGINT NOT NULL,
  fault       TEXT   NOT NULL
);
CREATE UNIQUE INDEX outbox_message ON outbox (message_id);
CREATE INDEX outbox_waiting ON outbox (due_at, id) WHERE state = 0;
