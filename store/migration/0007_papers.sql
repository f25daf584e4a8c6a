-- What reports and orders need once people file and answer by pages.

-- Files that prove a filing outside the program: a portal's receipt, a scanned fax.
CREATE TABLE proof_file (
  id          {id},
  salt        BYTEA  NOT NULL,
  report      BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  name        TEXT   NOT NULL, -- as it came
  digest      BYTEA  NOT NULL, -- SHA-256 of content
  content     BYTEA  NOT NULL,
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL
);
CREATE INDEX proof_file_report ON proof_file (report, id);

-- Links by which an order is answered without an account.
CREATE TABLE answer_link (
  id          {id},
  salt        BYTEA  NOT NULL,
  orders      BIGINT NOT NULL,
  digest      BYTEA  NOT NULL, -- SHA-256 of the secret
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  revoked_at  BIGINT NOT NULL, -- 0: good
  revoked_by  TEXT   NOT NULL
);
CREATE UNIQUE INDEX answer_link_digest ON answer_link (digest);
CREATE INDEX answer_link_orders ON answer_link (orders, id);

-- Lists by state.
CREATE INDEX report_state ON report (state, tlp, tenant);
CREATE INDEX orders_state ON orders (state, tlp, tenant);
