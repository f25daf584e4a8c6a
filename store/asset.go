package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tocsin/casebook"
)

// A Tenure is what was attributed to one party of one finding: who held the asset, by
// the observations that say so.
type Tenure struct {
	Party       string // its name
	Holder      string
	ASN         uint32
	Region      string
	Threat      string // name
	FirstSeen   time.Time
	LastSeen    time.Time
	Days        casebook.Days
	Observation int64 // how many
}

// OrderedAsset is an order's row about an asset.
type OrderedAsset struct {
	Order     casebook.ID
	Task      string
	Measure   string
	Party     string
	State     casebook.OrderState
	ServedAt  time.Time
	Due       time.Time
	Row       casebook.RowState
	Answer    casebook.AnswerKind
	Note      string
	CheckedAt time.Time
}

// assetRows bounds what is told of one asset.
const assetRows = 200

// assetNumbers gives the numbers of the findings of exactly one asset.
func (r *Reader) assetNumbers(ctx context.Context, a casebook.Asset) ([]int64, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT x.id FROM threat_size s CROSS JOIN finding x WHERE x.threat = s.threat AND x.role = s.role AND x.asset_kind = $1 AND x.asset = $2
		ORDER BY x.id LIMIT $3`, int64(a.Kind), octets(a.AppendCanonical(nil)), assetRows)
	return collect(rows, err, func(rows *sql.Rows) (n int64, err error) { return n, rows.Scan(&n) })
}

// AssetFindings gives the findings of exactly one asset, the newest first.
func (r *Reader) AssetFindings(ctx context.Context, a casebook.Asset) ([]casebook.Finding, error) {
	ids, err := r.assetNumbers(ctx, a)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	found, err := r.findings(ctx, FindingFilter{}, `AND f.id IN (`+listOf(ids)+`) ORDER BY f.id DESC`, nil)
	return plainFindings(found), err
}

// Tenures tells whom an asset was attributed to, the newest last moment first. A party
// is told of itself.
func (r *Reader) Tenures(ctx context.Context, a casebook.Asset) ([]Tenure, error) {
	ids, err := r.assetNumbers(ctx, a)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	parties, err := r.Parties(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range parties {
		names[partyText(p.ID)] = p.Name
	}
	sees := fmt.Sprintf("q.party = '%s'", partyText(r.scope.Party))
	if r.scope.All {
		sees = "1 = 1"
	}
	rows, err := r.q.QueryContext(ctx, `SELECT q.party, q.holder, q.asn, q.region, t.name, q.first_seen, q.last_seen, q.days, q.count
		FROM finding_part q JOIN finding f ON f.id = q.finding JOIN threat t ON t.id = f.threat WHERE q.finding IN (`+listOf(ids)+`) AND `+sees+` AND `+
		r.labels("f")+` ORDER BY q.last_seen DESC, q.id LIMIT $1`, assetRows)
	return collect(rows, err, func(rows *sql.Rows) (Tenure, error) {
		var t Tenure
		var party string
		var first, last int64
		var days []byte
		err := rows.Scan(&party, &t.Holder, &t.ASN, &t.Region, &t.Threat, &first, &last, &days, &t.Observation)
		if err == nil {
			t.Days, err = casebook.ParseDays(days)
		}
		t.Party, t.FirstSeen, t.LastSeen = names[party], time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		return t, err
	})
}

// AssetOrders gives what was ordered about an asset, the newest first.
func (r *Reader) AssetOrders(ctx context.Context, a casebook.Asset) ([]OrderedAsset, error) {
	ids, err := r.assetNumbers(ctx, a)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	rows, err := r.q.QueryContext(ctx, `SELECT o.public, o.task, o.measure, p.name, o.state, o.served_at, o.due, w.state, w.answer, w.note, w.checked_at
		FROM order_row w JOIN orders o ON o.id = w.orders JOIN party p ON p.id = o.party WHERE w.finding IN (`+listOf(ids)+`) AND `+r.seesOf(casebook.SharedOrder, "o")+`
		ORDER BY w.id DESC LIMIT $1`, assetRows)
	return collect(rows, err, func(rows *sql.Rows) (OrderedAsset, error) {
		var o OrderedAsset
		var public []byte
		var served, due, checked int64
		err := rows.Scan(&public, &o.Task, &o.Measure, &o.Party, &o.State, &served, &due, &o.Row, &o.Answer, &o.Note, &checked)
		copy(o.Order[:], public)
		o.ServedAt, o.Due, o.CheckedAt = moment(served), moment(due), moment(checked)
		return o, err
	})
}

// listOf writes numbers as a list of SQL.
func listOf(numbers []int64) string {
	var b []byte
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "%d", n)
	}
	return string(b)
}
