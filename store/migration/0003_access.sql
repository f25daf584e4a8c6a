-- Who may reach the platform, and what a party may see.

-- A party's name may come again once it has ended; SaveParty looks after that.
DROP INDEX party_name;
CREATE INDEX party_named ON party (tenant, name);

-- What was added to a party later: from when to when, and its other regions. A
-- party without such a row has been there since ever and still is.
CREATE TABLE party_term (
  id             {id},
  salt           BYTEA  NOT NULL,
  party          BIGINT NOT NULL,
  network_region TEXT   NOT NULL,
  effect_region  TEXT   NOT NULL,
  valid_from     BIGINT NOT NULL, -- 0: since before anybody asked
  valid_to       BIGINT NOT NULL, -- 0: still
  successor      BIGINT NOT NULL, -- party, 0 none
  recorded_by    TEXT   NOT NULL,
  recorded_at    BIGINT NOT NULL
);
CREATE UNIQUE INDEX party_term_party ON party_term (party);

CREATE TABLE account (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  name        TEXT   NOT NULL,
  roles       TEXT   NOT NULL, -- sorted, blanks between
  party       BYTEA  NOT NULL, -- public name, empty: the platform's own
  password    TEXT   NOT NULL, -- hashed
  disabled_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_public ON account (public);
CREATE UNIQUE INDEX account_name ON account (tenant, name);

CREATE TABLE access_key (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  name        TEXT   NOT NULL,
  shown       TEXT   NOT NULL, -- first characters of the secret
  digest      BYTEA  NOT NULL, -- SHA-256 of the secret
  scopes      TEXT   NOT NULL, -- sorted, blanks between
  party       BYTEA  NOT NULL, -- public name, empty: of the platform itself
  account     BIGINT NOT NULL, -- as whom it acts, 0: a machine
  expires_at  BIGINT NOT NULL,
  revoked_at  BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX access_key_public ON access_key (public);
CREATE UNIQUE INDEX access_key_digest ON access_key (digest);

-- When keys were last used; moves too often for the record.
CREATE TABLE key_use (
  id      {id}, -- of the key
  used_at BIGINT NOT NULL
);

CREATE TABLE session (
  digest     BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of what the browser holds
  account    BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL
);
CREATE INDEX session_account ON session (account);

-- The first answers to requests that may be repeated, kept for a day.
CREATE TABLE answer (
  digest      BYTEA  NOT NULL PRIMARY KEY, -- of caller and key
  request     BYTEA  NOT NULL, -- keyed digest of what was asked
  recorded_at BIGINT NOT NULL,
  status      BIGINT NOT NULL, -- 0: it was done, and its answer wasn't kept
  media_type  TEXT   NOT NULL,
  body        BYTEA  NOT NULL
);
CREATE INDEX answer_recorded ON answer (recorded_at);

-- Which party may see which row, since when, and why.
CREATE TABLE share (
  id          {id},
  salt        BYTEA  NOT NULL,
  kind        BIGINT NOT NULL, -- casebook.ShareKind
  object      BIGINT NOT NULL, -- id in the table of the kind
  party       TEXT   NOT NULL, -- public name, as people see it
  shared_from BIGINT NOT NULL,
  shared_to   BIGINT NOT NULL, -- 0: still
  why         TEXT   NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX share_object ON share (kind, object, party);
CREATE INDEX share_party ON share (party, kind, object);

-- A finding as a party sees it: the figures of those observations that were
-- attributed to that party, and no others.
CREATE TABLE finding_part (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL, -- by which the party knows it
  finding     BIGINT NOT NULL,
  party       TEXT   NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  type        BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  severity    BIGINT NOT NULL,
  first_seen  BIGINT NOT NULL,
  last_seen   BIGINT NOT NULL,
  count       BIGINT NOT NULL,
  days        BYTEA  NOT NULL,
  sources     BYTEA  NOT NULL,
  asn         BIGINT NOT NULL,
  holder      TEXT   NOT NULL
);
CREATE UNIQUE INDEX finding_part_of ON finding_part (finding, party);
CREATE INDEX finding_part_party ON finding_part (party, public);
