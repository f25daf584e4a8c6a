-- What the pages of those who run the platform ask for.
CREATE INDEX holding_party ON holding (party, id, tenant) WHERE party <> '';
CREATE INDEX delivery_feed ON delivery (feed, type, received_at, tenant);
CREATE INDEX orders_party ON orders (party, state, tlp, tenant);
CREATE INDEX report_party ON report (party, tlp, tenant);
CREATE INDEX outbox_newest ON outbox (state, id, tenant);

-- Links by which people set their own password, each once.
CREATE TABLE invitation (
  digest     BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the token in the link
  account    BIGINT NOT NULL,
  made_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX invitation_account ON invitation (account);
