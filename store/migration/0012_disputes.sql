-- Objections of parties to lines of their scorecards, and what was decided on them.
CREATE TABLE dispute (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  party       BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  regime      TEXT   NOT NULL,
  stage       TEXT   NOT NULL,
  month       TEXT   NOT NULL,
  exercise    BIGINT NOT NULL,
  text        TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  state       BIGINT NOT NULL, -- 0 open, 1 upheld, 2 rejected
  reason      TEXT   NOT NULL,
  decided_at  BIGINT NOT NULL, -- 0: nobody has
  decided_by  TEXT   NOT NULL
);
CREATE UNIQUE INDEX dispute_public ON dispute (public);
CREATE INDEX dispute_line ON dispute (month, party);
CREATE INDEX dispute_state ON dispute (state, tenant);
