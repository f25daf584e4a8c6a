-- What pages count of a party's findings, and find them by. As tally and term, it follows from rows that are there
-- and is kept up with them in the same commits.

-- How many parts in findings a party has. A subject is 1 by region and state, 2 by the
-- hour in which they were first seen.
CREATE TABLE part_tally (
  party        TEXT   NOT NULL,
  subject      BIGINT NOT NULL,
  number       BIGINT NOT NULL, -- hour since 1970 UTC
  word         TEXT   NOT NULL, -- region
  role         BIGINT NOT NULL,
  state        BIGINT NOT NULL,
  tenant       BIGINT NOT NULL,
  tlp          BIGINT NOT NULL,
  exercise     BIGINT NOT NULL,
  n            BIGINT NOT NULL,
  observations BIGINT NOT NULL,
  PRIMARY KEY (party, subject, number, word, role, state, tenant, tlp, exercise)
) {clustered};

INSERT INTO part_tally (party, subject, number, word, role, state, tenant, tlp, exercise, n, observations)
  SELECT q.party, 1, 0, q.region, f.role, CASE WHEN q.count = f.count THEN f.state ELSE q.state END, f.tenant, q.tlp, f.exercise, COUNT(*), CAST(SUM(q.count) AS BIGINT)
  FROM finding_part q JOIN finding f ON f.id = q.finding
  GROUP BY q.party, q.region, f.role, CASE WHEN q.count = f.count THEN f.state ELSE q.state END, f.tenant, q.tlp, f.exercise;
INSERT INTO part_tally (party, subject, number, word, role, state, tenant, tlp, exercise, n, observations)
  SELECT q.party, 2, q.first_seen / 3600000000, '', f.role, 0, f.tenant, q.tlp, f.exercise, COUNT(*), CAST(SUM(q.count) AS BIGINT)
  FROM finding_part q JOIN finding f ON f.id = q.finding
  GROUP BY q.party, q.first_seen / 3600000000, f.role, f.tenant, q.tlp, f.exercise;

-- What a party finds its parts by: an address (kind as of the finding), or the name in it
-- with its labels turned round (kind 0).
CREATE TABLE part_term (
  party   TEXT   NOT NULL,
  kind    BIGINT NOT NULL,
  word    BYTEA  NOT NULL,
  finding BIGINT NOT NULL,
  PRIMARY KEY (party, kind, word, finding)
) {clustered};

INSERT INTO part_term (party, kind, word, finding)
  SELECT q.party, f.asset_kind, f.asset, f.id FROM finding_part q JOIN finding f ON f.id = q.finding WHERE f.asset_kind IN (1, 2) ORDER BY q.party, f.asset_kind, f.asset;
INSERT INTO part_term (party, kind, word, finding)
  SELECT q.party, 0, m.word, m.object FROM term m JOIN finding_part q ON q.finding = m.object WHERE m.kind = 2;

-- What was taken back from a party is little, and counted off.
CREATE INDEX share_closed ON share (party, kind, object) WHERE shared_to > 0;
DROP INDEX finding_part_sum;
