-- What the pages of those who run the platform ask for.
CREATE INDEX holding_party ON holding (tenant, party, id) WHERE party <> '';
CREATE INDEX delivery_feed ON delivery (tenant, feed, type, received_at);
CREATE INDEX outbox_newest ON outbox (tenant, state, id);

-- Links by which people set their own password, each once.
CREATE TABLE invitation (
  digest     BYTEA  NOT NULL PRIMARY KEY, -- SHA-256 of the token in the link
  account    BIGINT NOT NULL,
  made_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX invitation_account ON invitation (account);
