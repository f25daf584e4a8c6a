-- What a case needs from its first report to its closing.

-- Where a party is reached, for what.
CREATE TABLE contact (
  id          {id},
  salt        BYTEA  NOT NULL,
  party       BIGINT NOT NULL,
  kind        TEXT   NOT NULL, -- reports, orders, duty
  target      TEXT   NOT NULL, -- mailto:…, https://…
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  ended_at    BIGINT NOT NULL  -- 0: still
);
CREATE INDEX contact_party ON contact (party, id);

CREATE TABLE report (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  incident    BIGINT NOT NULL,
  duty        BIGINT NOT NULL,
  party       BIGINT NOT NULL,
  regime      TEXT   NOT NULL,
  stage       TEXT   NOT NULL,
  state       BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  task        TEXT   NOT NULL,
  opened_at   BIGINT NOT NULL,
  draft       TEXT   NOT NULL  -- JSON: the fields as they stand before they are filed
);
CREATE UNIQUE INDEX report_public ON report (public);
CREATE INDEX report_incident ON report (incident, id);
CREATE INDEX report_duty ON report (duty, id) WHERE duty > 0;

-- Filings. Rows never change.
CREATE TABLE report_version (
  id          {id},
  salt        BYTEA  NOT NULL,
  report      BIGINT NOT NULL,
  number      BIGINT NOT NULL,
  fields      TEXT   NOT NULL, -- JSON
  filed       TEXT   NOT NULL, -- the whole form as it was filed, JSON
  digest      BYTEA  NOT NULL, -- of filed
  filed_at    BIGINT NOT NULL,
  channel     TEXT   NOT NULL,
  late_reason TEXT   NOT NULL,
  corrects    BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL
);
CREATE UNIQUE INDEX report_version_number ON report_version (report, number);

CREATE TABLE recipient (
  id              {id},
  salt            BYTEA  NOT NULL,
  public          BYTEA  NOT NULL,
  report          BIGINT NOT NULL,
  version         BIGINT NOT NULL,
  role            TEXT   NOT NULL,
  name            TEXT   NOT NULL,
  copy            BIGINT NOT NULL,
  message         TEXT   NOT NULL, -- of the outbox line that carries it, '' outside
  dispatched_at   BIGINT NOT NULL,
  delivered_at    BIGINT NOT NULL,
  acknowledged_at BIGINT NOT NULL,
  reference       TEXT   NOT NULL,
  proof           TEXT   NOT NULL,
  recorded_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX recipient_public ON recipient (public);
CREATE INDEX recipient_report ON recipient (report, version, id);
CREATE INDEX recipient_message ON recipient (message) WHERE message <> '';

CREATE TABLE orders (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  incident    BIGINT NOT NULL,
  party       BIGINT NOT NULL, -- to whom
  by_party    BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  measure     TEXT   NOT NULL,
  power       TEXT   NOT NULL,
  article     TEXT   NOT NULL,
  pack        TEXT   NOT NULL,
  form        TEXT   NOT NULL,
  task        TEXT   NOT NULL,
  time_limit  BIGINT NOT NULL, -- microseconds from service
  words       TEXT   NOT NULL,
  approved_by TEXT   NOT NULL,
  served_at   BIGINT NOT NULL,
  due         BIGINT NOT NULL,
  reason      TEXT   NOT NULL,
  message     TEXT   NOT NULL  -- of the outbox line that serves it
);
CREATE UNIQUE INDEX orders_public ON orders (public);
CREATE UNIQUE INDEX orders_task ON orders (tenant, task) WHERE task <> '';
CREATE INDEX orders_incident ON orders (incident, id);

CREATE TABLE order_row (
  id          {id},
  salt        BYTEA  NOT NULL,
  orders      BIGINT NOT NULL,
  number      BIGINT NOT NULL,
  finding     BIGINT NOT NULL,
  asset_kind  BIGINT NOT NULL,
  asset       BYTEA  NOT NULL,
  port        BIGINT NOT NULL,
  role        BIGINT NOT NULL,
  first_seen  BIGINT NOT NULL,
  last_seen   BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  answer      BIGINT NOT NULL,
  note        TEXT   NOT NULL,
  answered_at BIGINT NOT NULL,
  until_at    BIGINT NOT NULL,
  checked_at  BIGINT NOT NULL,
  why         TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX order_row_number ON order_row (orders, number);
CREATE INDEX order_row_finding ON order_row (finding, id);
CREATE INDEX order_row_state ON order_row (state, id);
