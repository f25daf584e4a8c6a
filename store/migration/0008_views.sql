-- What pages count and search by. All of it follows from rows that are there, and
-- is kept up with them in the same commits.

-- How many findings and observations there are, by what pages ask for. A subject is
-- 1 observations by hour, 2 findings by the hour in which they were first seen,
-- 3 findings by threat and region, 4 findings by the party that holds the asset.
CREATE TABLE tally (
  subject  BIGINT NOT NULL,
  number   BIGINT NOT NULL, -- hour since 1970 UTC, or threat
  word     TEXT   NOT NULL, -- region or party
  role     BIGINT NOT NULL,
  state    BIGINT NOT NULL,
  tenant   BIGINT NOT NULL,
  tlp      BIGINT NOT NULL,
  exercise BIGINT NOT NULL,
  n        BIGINT NOT NULL,
  PRIMARY KEY (subject, number, word, role, state, tenant, tlp, exercise)
) {clustered};

INSERT INTO tally (subject, number, word, role, state, tenant, tlp, exercise, n)
  SELECT 1, observed_at / 3600000000, '', role, 0, tenant, tlp, exercise, COUNT(*) FROM observation
  GROUP BY observed_at / 3600000000, role, tenant, tlp, exercise;
INSERT INTO tally (subject, number, word, role, state, tenant, tlp, exercise, n)
  SELECT 2, first_seen / 3600000000, '', role, 0, tenant, tlp, exercise, COUNT(*) FROM finding
  GROUP BY first_seen / 3600000000, role, tenant, tlp, exercise;
INSERT INTO tally (subject, number, word, role, state, tenant, tlp, exercise, n)
  SELECT 3, threat, region, role, state, tenant, tlp, exercise, COUNT(*) FROM finding
  GROUP BY threat, region, role, state, tenant, tlp, exercise;
INSERT INTO tally (subject, number, word, role, state, tenant, tlp, exercise, n)
  SELECT 4, 0, party, role, state, tenant, tlp, exercise, COUNT(*) FROM finding
  GROUP BY party, role, state, tenant, tlp, exercise;

-- What each source says of a threat: how often, when, how surely.
CREATE TABLE evidence (
  threat     BIGINT NOT NULL,
  source     BIGINT NOT NULL,
  role       BIGINT NOT NULL,
  type       BIGINT NOT NULL,
  identifier TEXT   NOT NULL, -- the source's own word
  tlp        BIGINT NOT NULL,
  n          BIGINT NOT NULL, -- observations
  first_seen BIGINT NOT NULL,
  last_seen  BIGINT NOT NULL,
  low        BIGINT NOT NULL, -- confidence, thousandths
  high       BIGINT NOT NULL,
  severity   BIGINT NOT NULL, -- the worst
  PRIMARY KEY (threat, source, role, type, identifier, tlp)
) {clustered};

INSERT INTO evidence (threat, source, role, type, identifier, tlp, n, first_seen, last_seen, low, high, severity)
  SELECT threat, source, role, type, identifier, tlp, COUNT(*), MIN(observed_at), MAX(observed_at), MIN(confidence), MAX(confidence), MAX(severity)
  FROM observation GROUP BY threat, source, role, type, identifier, tlp;

-- The grade that stands of each incident under each law: the newest of the weightiest
-- standing.
CREATE TABLE incident_grade (
  incident BIGINT NOT NULL,
  regime   TEXT   NOT NULL,
  standing BIGINT NOT NULL,
  level    TEXT   NOT NULL,
  reach    BIGINT NOT NULL,
  state    BIGINT NOT NULL, -- of the incident
  threat   BIGINT NOT NULL,
  tenant   BIGINT NOT NULL,
  tlp      BIGINT NOT NULL,
  exercise BIGINT NOT NULL,
  PRIMARY KEY (incident, regime)
) {clustered};

INSERT INTO incident_grade (incident, regime, standing, level, reach, state, threat, tenant, tlp, exercise)
  SELECT i.id, g.regime, g.standing, g.level, g.reach, i.state, i.threat, i.tenant, i.tlp, i.exercise
  FROM (SELECT incident, regime, standing, level, reach, ROW_NUMBER() OVER (PARTITION BY incident, regime ORDER BY standing DESC, id DESC) AS place FROM grade) g
  JOIN incident i ON i.id = g.incident WHERE g.place = 1;
CREATE INDEX incident_grade_level ON incident_grade (state, exercise, regime, level, reach, tenant, tlp, threat);

-- What a search finds things by: kind 1, a word of an incident's title; kind 2, the
-- name in a finding with its labels turned round ("com.example.www.").
CREATE TABLE term (
  kind   BIGINT NOT NULL,
  word   BYTEA  NOT NULL,
  object BIGINT NOT NULL,
  PRIMARY KEY (kind, word, object)
) {clustered};

-- Lists that are narrowed, the newest first. Most findings are of bots: those are
-- found without an index.
CREATE INDEX finding_party ON finding (party, public) WHERE party <> '';
CREATE INDEX finding_region ON finding (region, public) WHERE region <> '';
CREATE INDEX finding_role ON finding (role, public) WHERE role <> 2;

CREATE INDEX duty_day ON duty (due, state, tlp, exercise, tenant);
CREATE INDEX report_task ON report (task) WHERE task <> '';
CREATE INDEX recipient_reference ON recipient (reference) WHERE reference <> '';
