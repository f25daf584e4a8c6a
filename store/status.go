package store

import (
	"context"

	"tocsin/casebook"
)

// Counts is how much there is of everything that a reader sees.
type Counts struct {
	Deliveries   int64
	Waiting      int64 // deliveries not yet done
	Observations int64
	Duplicates   int64
	Refused      int64
	Findings     int64
	Threats      int64
	Holdings     int64 // rows, held now or once
	Incidents    int64
	Proposed     int64                      // incidents that no person has confirmed or dismissed
	Duties       [casebook.DutyStates]int64 // by state
	Ungraded     int64                      // growths that wait to be graded
	OwnParties   int64
	OutboxWaits  int64
	OutboxDead   int64
	Entries      int64 // numbered in the ledger
	Pending      int64 // committed, not yet numbered
	Checkpoint   string
}

// Counts counts. Observations are summed up from deliveries and threats, so that
// no table is walked through that grows with traffic.
func (r *Reader) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	if !r.scope.All {
		return r.partyCounts(ctx)
	}
	for _, q := range []struct {
		query string
		into  []any
	}{
		{`SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0), CAST(COALESCE(SUM(taken), 0) AS BIGINT),
			CAST(COALESCE(SUM(duplicate), 0) AS BIGINT), CAST(COALESCE(SUM(refused), 0) AS BIGINT) FROM delivery WHERE ` + r.sees(casebook.SharedDelivery),
			[]any{&c.Deliveries, &c.Waiting, &c.Observations, &c.Duplicates, &c.Refused}},
		{`SELECT COUNT(*), CAST(COALESCE(SUM(findings), 0) AS BIGINT) FROM threat WHERE ` + r.sees(casebook.SharedThreat), []any{&c.Threats, &c.Findings}},
		{`SELECT CAST(COALESCE(SUM(added), 0) AS BIGINT) FROM holding_import WHERE state = 1`, []any{&c.Holdings}},
		{`SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0) FROM incident WHERE ` + r.sees(casebook.SharedIncident), []any{&c.Incidents, &c.Proposed}},
		{`SELECT COUNT(*) FROM growth`, []any{&c.Ungraded}},
		{`SELECT COUNT(*) FROM party WHERE own = 1 AND ` + r.labels("party"), []any{&c.OwnParties}},
		{`SELECT (SELECT COUNT(*) FROM outbox WHERE state IN (0, 1)), (SELECT COUNT(*) FROM outbox WHERE state = 3)`,
			[]any{&c.OutboxWaits, &c.OutboxDead}},
		{`SELECT COALESCE(MAX(seq), -1) + 1 FROM change_set WHERE seq >= 0`, []any{&c.Entries}},
		{`SELECT COUNT(*) FROM change_set WHERE seq < 0`, []any{&c.Pending}},
		{`SELECT COALESCE(MAX(note), '') FROM checkpoint`, []any{&c.Checkpoint}},
	} {
		if err := r.q.QueryRowContext(ctx, q.query).Scan(q.into...); err != nil {
			return c, err
		}
	}
	var err error
	c.Duties, err = r.DutyCounts(ctx)
	return c, err
}

// partyCounts counts what was shared with a party. Of the platform as a whole it is
// told the head of the ledger, which everybody may know.
func (r *Reader) partyCounts(ctx context.Context) (Counts, error) {
	var c Counts
	for _, q := range []struct {
		query string
		into  []any
	}{
		{`SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0) FROM delivery WHERE ` + r.sees(casebook.SharedDelivery), []any{&c.Deliveries, &c.Waiting}},
		{`SELECT CAST(COALESCE(SUM(y.n), 0) AS BIGINT), CAST(COALESCE(SUM(y.observations), 0) AS BIGINT) FROM ` + r.ownParts(partsStand), []any{&c.Findings, &c.Observations}},
		{`SELECT COUNT(*) FROM threat WHERE ` + r.sees(casebook.SharedThreat), []any{&c.Threats}},
		{`SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0) FROM incident WHERE ` + r.sees(casebook.SharedIncident), []any{&c.Incidents, &c.Proposed}},
		{`SELECT COALESCE(MAX(seq), -1) + 1 FROM change_set WHERE seq >= 0`, []any{&c.Entries}},
		{`SELECT COALESCE(MAX(note), '') FROM checkpoint`, []any{&c.Checkpoint}},
	} {
		if err := r.q.QueryRowContext(ctx, q.query).Scan(q.into...); err != nil {
			return c, err
		}
	}
	var err error
	c.Duties, err = r.DutyCounts(ctx)
	return c, err
}
