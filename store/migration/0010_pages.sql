-- What pages and lists ask for at a million findings.

-- What changed lately.
CREATE INDEX finding_changed ON finding (recorded_at);

-- How much of what was found is a party's, in indexes alone.
CREATE INDEX finding_part_sum ON finding_part (party, finding, tlp, count);
CREATE INDEX share_open ON share (party, kind, object) WHERE shared_to = 0;
DROP INDEX share_party;

-- Counts by state, each in an index of its own. The tenant comes last: there is one.
DROP INDEX duty_count;
CREATE INDEX duty_count ON duty (state, tlp, tenant);
CREATE INDEX incident_count ON incident (state, tlp, tenant);

-- Lines of the outbox in a state, the first to be sent first.
DROP INDEX outbox_waiting;
CREATE INDEX outbox_due ON outbox (state, due_at, id, tenant, kind);

-- Who keeps silent about a filing, and what somebody has taken.
CREATE INDEX recipient_silent ON recipient (dispatched_at, id) WHERE acknowledged_at = 0 AND copy = 0;
CREATE INDEX incident_owner ON incident (owner, state, public) WHERE owner <> '';
