-- What a threat needs to become a case with grades and statutory clocks.

-- Threats whose size grew, each with its sizes as of the commit that changed
-- them, until they are graded.
CREATE TABLE growth (
  id          {id},
  salt        BYTEA  NOT NULL,
  threat      BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  sizes       TEXT   NOT NULL
);

-- By which law and for whom threats were graded; one row. Where it changes, all
-- are graded again.
CREATE TABLE basis (
  id          {id},
  salt        BYTEA  NOT NULL,
  digest      TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL
);

CREATE TABLE party (
  id           {id},
  salt         BYTEA  NOT NULL,
  public       BYTEA  NOT NULL,
  tenant       BIGINT NOT NULL,
  region       TEXT   NOT NULL, -- of its seat
  tlp          BIGINT NOT NULL,
  exercise     BIGINT NOT NULL,
  recorded_by  TEXT   NOT NULL,
  recorded_at  BIGINT NOT NULL,
  name         TEXT   NOT NULL,
  roles        TEXT   NOT NULL, -- words of the packs, sorted, blanks between
  member_state TEXT   NOT NULL,
  own          BIGINT NOT NULL
);
CREATE UNIQUE INDEX party_public ON party (public);
CREATE UNIQUE INDEX party_name ON party (tenant, name);

CREATE TABLE incident (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  tenant      BIGINT NOT NULL,
  region      TEXT   NOT NULL,
  tlp         BIGINT NOT NULL,
  exercise    BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  category    BIGINT NOT NULL,
  title       TEXT   NOT NULL,
  state       BIGINT NOT NULL,
  threat      BIGINT NOT NULL, -- 0: opened by hand
  party       BIGINT NOT NULL, -- 0: every own party
  owner       TEXT   NOT NULL,
  opened_at   BIGINT NOT NULL,
  triage_due  BIGINT NOT NULL,
  next_at     BIGINT NOT NULL  -- when people must next be told that it waits, 0 never
);
CREATE UNIQUE INDEX incident_public ON incident (public);
CREATE INDEX incident_state ON incident (state, public);
CREATE INDEX incident_threat ON incident (threat, id) WHERE threat > 0;
CREATE INDEX incident_next ON incident (next_at, id) WHERE next_at > 0;

-- The log of an incident, which is its timeline. Rows never change.
CREATE TABLE anchor (
  id           {id},
  salt         BYTEA  NOT NULL,
  public       BYTEA  NOT NULL,
  incident     BIGINT NOT NULL,
  kind         TEXT   NOT NULL,
  at           BIGINT NOT NULL, -- happened
  zone         TEXT   NOT NULL, -- in which at was told
  recorded_at  BIGINT NOT NULL, -- written
  recorded_by  TEXT   NOT NULL,
  source       TEXT   NOT NULL,
  note         TEXT   NOT NULL,
  supersedes   BIGINT NOT NULL,
  clock_known  BIGINT NOT NULL,
  clock_offset BIGINT NOT NULL, -- microseconds, this clock less the true time
  clock_bound  BIGINT NOT NULL,
  clock_source TEXT   NOT NULL
);
CREATE UNIQUE INDEX anchor_public ON anchor (public);
CREATE INDEX anchor_incident ON anchor (incident, id);

-- What is known of an incident. A newer row of a name goes before an older one.
CREATE TABLE fact (
  id          {id},
  salt        BYTEA  NOT NULL,
  incident    BIGINT NOT NULL,
  name        TEXT   NOT NULL,
  value       TEXT   NOT NULL, -- JSON
  confirmed   BIGINT NOT NULL, -- by a person
  at          BIGINT NOT NULL,
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL
);
CREATE INDEX fact_incident ON fact (incident, id);

CREATE TABLE grade (
  id          {id},
  salt        BYTEA  NOT NULL,
  public      BYTEA  NOT NULL,
  incident    BIGINT NOT NULL,
  regime      TEXT   NOT NULL,
  pack        TEXT   NOT NULL,
  standing    BIGINT NOT NULL,
  level       TEXT   NOT NULL,
  reach       BIGINT NOT NULL,
  rule        TEXT   NOT NULL,
  article     TEXT   NOT NULL,
  confidence  TEXT   NOT NULL,
  figures     TEXT   NOT NULL, -- JSON
  blank       TEXT   NOT NULL,
  at          BIGINT NOT NULL,
  reason      TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL
);
CREATE UNIQUE INDEX grade_public ON grade (public);
CREATE INDEX grade_incident ON grade (incident, id);

-- Statutory clocks. What a duty is never changes once it is written, only where it
-- stands; duty_change has every step.
CREATE TABLE duty (
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
  party       BIGINT NOT NULL,
  party_name  TEXT   NOT NULL,
  regime      TEXT   NOT NULL,
  pack        TEXT   NOT NULL,
  stage       TEXT   NOT NULL,
  key         TEXT   NOT NULL,
  article     TEXT   NOT NULL,
  anchor      TEXT   NOT NULL,
  started     BIGINT NOT NULL,
  time_limit  TEXT   NOT NULL,
  due         BIGINT NOT NULL, -- the last second on time
  zone        TEXT   NOT NULL,
  calendar    TEXT   NOT NULL,
  provisional BIGINT NOT NULL,
  blank       TEXT   NOT NULL,
  recipients  TEXT   NOT NULL, -- JSON: to, any_of, copy_to
  meets       TEXT   NOT NULL,
  confidence  TEXT   NOT NULL,
  rests_on    TEXT   NOT NULL,
  supersedes  BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  met_at      BIGINT NOT NULL,
  reason      TEXT   NOT NULL,
  told        BIGINT NOT NULL,
  next_at     BIGINT NOT NULL  -- when people must next be told, 0 never
);
CREATE UNIQUE INDEX duty_public ON duty (public);
CREATE INDEX duty_incident ON duty (incident, id);
CREATE INDEX duty_state ON duty (state, due, id);
CREATE INDEX duty_next ON duty (next_at, id) WHERE next_at > 0;

CREATE TABLE duty_change (
  id          {id},
  salt        BYTEA  NOT NULL,
  duty        BIGINT NOT NULL,
  state       BIGINT NOT NULL,
  at          BIGINT NOT NULL, -- the legal moment of the change
  reason      TEXT   NOT NULL,
  recorded_at BIGINT NOT NULL,
  recorded_by TEXT   NOT NULL
);
CREATE INDEX duty_change_duty ON duty_change (duty, id);

-- What was known of the machine's clock, and when it jumped.
CREATE TABLE clock (
  id           {id},
  salt         BYTEA  NOT NULL,
  recorded_at  BIGINT NOT NULL,
  at           BIGINT NOT NULL, -- by this clock
  known        BIGINT NOT NULL,
  clock_offset BIGINT NOT NULL, -- microseconds, this clock less the true time
  bound        BIGINT NOT NULL,
  source       TEXT   NOT NULL,
  jump         BIGINT NOT NULL  -- microseconds by which the clock jumped, 0 for a reading
);
