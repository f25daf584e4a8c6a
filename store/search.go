package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// A Hit is a thing that a search found.
type Hit struct {
	ID    casebook.ID
	Title string
	// Why it was found: id, address, prefix, name, below (a name below the one asked
	// for), family, spelling, title, party, task, reference.
	Why string
	Of  string    // beside it: the threat of a finding, the incident of a report, an order or a duty
	At  time.Time // last seen, opened, or recorded
}

// Hits are things of one noun.
type Hits struct {
	Noun string // finding, threat, incident, order, report, duty, party
	List []Hit
	More bool // than are listed
}

// maxTitles bounds how many incidents with a word in their title are looked at.
const maxTitles = 1000

// Search finds what a text names: an address, a prefix or a name; a family, also by
// other names of it; the words of a title; a task number, another's reference, or our
// own identifier; a party. Of each noun it gives at most limit.
func (r *Reader) Search(ctx context.Context, text string, others []string, may func(noun string) bool, limit int) ([]Hits, error) {
	text = strings.TrimSpace(clean(text))
	if text == "" {
		return nil, nil
	}
	var all []Hits
	for _, one := range []struct {
		noun string
		find func(context.Context, string, int) ([]Hit, error)
	}{
		{"finding", r.searchFindings},
		{"threat", func(ctx context.Context, text string, limit int) ([]Hit, error) {
			return r.searchThreats(ctx, text, others, limit)
		}},
		{"incident", r.searchIncidents},
		{"order", r.searchOrders},
		{"report", r.searchReports},
		{"duty", r.searchDuties},
		{"party", r.searchParties},
	} {
		if !may(one.noun) {
			continue
		}
		hits, err := one.find(ctx, text, limit+1)
		if err != nil {
			return nil, err
		}
		if len(hits) > 0 {
			all = append(all, Hits{one.noun, hits[:min(len(hits), limit)], len(hits) > limit})
		}
	}
	return all, nil
}

// named reads the identifier of a noun; ok is false for another text.
func named(prefix, text string) (casebook.ID, bool) {
	id, err := casebook.ParseID(prefix, strings.ToLower(text))
	return id, err == nil
}

// hits collects what a query found: public name, title, what stands beside it, moment.
func (r *Reader) hits(ctx context.Context, why string, query string, args ...any) ([]Hit, error) {
	rows, err := r.q.QueryContext(ctx, query, args...)
	return collect(rows, err, func(rows *sql.Rows) (Hit, error) {
		h := Hit{Why: why}
		var public []byte
		var at int64
		err := rows.Scan(&public, &h.Title, &h.Of, &at)
		copy(h.ID[:], public)
		h.At = moment(at)
		return h, err
	})
}

func (r *Reader) searchFindings(ctx context.Context, text string, limit int) ([]Hit, error) {
	v := r.findingView()
	if id, ok := named(casebook.FindingPrefix, text); ok {
		return r.assetHits(ctx, v, "id", v.from, v.public+" = $1", id[:])
	}
	a, err := AssetRange(text)
	if errors.Is(err, casebook.ErrInvalid) {
		return nil, nil
	}
	kind, low, high := int64(nameTerm), []byte(turned(a.Name)), append([]byte(turned(a.Name)), 0xff)
	why := "below"
	if a.Name == "" {
		kind, low, high = a.octets()
		if why = "prefix"; a.Prefix.IsSingleIP() {
			why = "address"
		}
	}
	// For each threat and role there is one place in the index of findings at which an
	// address would stand. A party has an index of its own.
	from, tail := "threat_size s CROSS JOIN "+v.from, "f.threat = s.threat AND f.role = s.role AND f.asset_kind = $1 AND f.asset >= $2 AND f.asset <= $3 LIMIT $4"
	switch {
	case v.own == "q":
		if a.Name != "" {
			kind = int64(casebook.NoAsset)
		}
		from, tail = "part_term m CROSS JOIN "+v.from, "m.party = q.party AND m.finding = q.finding AND "+termsBetween+" LIMIT $4"
	case a.Name != "":
		from, tail = "term m CROSS JOIN "+v.from, "f.id = m.object AND "+termsBetween+" LIMIT $4"
	}
	hits, err := r.assetHits(ctx, v, why, from, tail, kind, low, high, limit)
	for i := range hits {
		if a.Name != "" && strings.Contains(hits[i].Title, a.Name) && !strings.Contains(hits[i].Title, "."+a.Name) {
			hits[i].Why = "name"
		}
	}
	slices.SortStableFunc(hits, func(x, y Hit) int { return strings.Compare(y.Why, x.Why) }) // the name itself before those below it
	return hits, err
}

// termsBetween are the terms m of a kind from one word up to another.
const termsBetween = "m.kind = $1 AND m.word >= $2 AND m.word <= $3"

func (r *Reader) assetHits(ctx context.Context, v findingView, why, from, tail string, args ...any) ([]Hit, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT `+v.public+`, f.asset_kind, f.asset, t.name, `+v.own+`.last_seen FROM `+from+` WHERE t.id = f.threat AND `+v.sees+` AND `+tail, args...)
	return collect(rows, err, func(rows *sql.Rows) (Hit, error) {
		h := Hit{Why: why}
		var public, asset []byte
		var kind casebook.AssetKind
		var last int64
		if err := rows.Scan(&public, &kind, &asset, &h.Of, &last); err != nil {
			return h, err
		}
		a, err := casebook.CanonicalAsset(kind, asset)
		copy(h.ID[:], public)
		h.Title, h.At = a.String(), time.UnixMicro(last).UTC()
		return h, err
	})
}

// squeezed is a family's key without what sources write differently.
const squeezed = `REPLACE(REPLACE(REPLACE(REPLACE(threat.family_key, ' ', ''), '-', ''), '_', ''), '.', '')`

func squeeze(name string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "", ".", "").Replace(casebook.FamilyKey(name))
}

func (r *Reader) searchThreats(ctx context.Context, text string, others []string, limit int) ([]Hit, error) {
	const columns = `SELECT threat.public, threat.name, threat.class, threat.last_seen FROM threat WHERE `
	if id, ok := named(casebook.ThreatPrefix, text); ok {
		return r.hits(ctx, "id", columns+`public = $1 AND `+r.sees(casebook.SharedThreat), id[:])
	}
	if squeeze(text) == "" {
		return nil, nil
	}
	w := where{text: r.sees(casebook.SharedThreat), args: []any{limit}}
	var any []string
	for _, name := range append([]string{text}, others...) {
		if s := squeeze(name); s != "" {
			w.args = append(w.args, "%"+escapeLike(s)+"%")
			any = append(any, fmt.Sprintf("%s LIKE $%d ESCAPE '!'", squeezed, len(w.args)))
		}
	}
	w.and("(" + strings.Join(any, " OR ") + ")")
	hits, err := r.hits(ctx, "family", columns+w.text+` ORDER BY threat.findings DESC, threat.id LIMIT $1`, w.args...)
	for i := range hits {
		if !strings.Contains(casebook.FamilyKey(hits[i].Title), casebook.FamilyKey(text)) {
			hits[i].Why = "spelling"
		}
	}
	return hits, err
}

func (r *Reader) searchIncidents(ctx context.Context, text string, limit int) ([]Hit, error) {
	const columns = `SELECT i.public, i.title, COALESCE(t.name, ''), i.opened_at FROM `
	if id, ok := named(casebook.IncidentPrefix, text); ok {
		return r.hits(ctx, "id", columns+`incident i LEFT JOIN threat t ON t.id = i.threat WHERE i.public = $1 AND `+r.seesFew(casebook.SharedIncident, "i"), id[:])
	}
	wanted := words(text)
	if len(wanted) == 0 {
		return nil, nil
	}
	// A party has few, which are looked through; the platform's own go by the rarest word.
	from, args := r.shared(casebook.SharedIncident, "incident i LEFT JOIN threat t ON t.id = i.threat", "i"), []any{int64(maxTitles)}
	if r.scope.All {
		rarest, err := r.rarest(ctx, wanted)
		if err != nil {
			return nil, err
		}
		from = `(SELECT DISTINCT object FROM term WHERE kind = $2 AND word >= $3 AND word < $4 ORDER BY object DESC LIMIT $1) m
			CROSS JOIN incident i LEFT JOIN threat t ON t.id = i.threat WHERE i.id = m.object AND ` + r.labels("i")
		args = append(args, titleTerm, []byte(rarest), append([]byte(rarest), 0xff))
	}
	hits, err := r.hits(ctx, "title", columns+from+` ORDER BY i.id DESC LIMIT $1`, args...)
	hits = slices.DeleteFunc(hits, func(h Hit) bool { return !hasWords(h.Title, wanted) })
	return hits[:min(len(hits), limit)], err
}

// hasWords reports whether words of a title begin with all that are wanted.
func hasWords(title string, wanted []string) bool {
	there := words(title)
	for _, w := range wanted {
		if !slices.ContainsFunc(there, func(one string) bool { return strings.HasPrefix(one, w) }) {
			return false
		}
	}
	return true
}

// rarest gives the word of some with which the fewest titles have a word that begins.
func (r *Reader) rarest(ctx context.Context, all []string) (best string, err error) {
	least := int64(maxTitles) + 1
	for _, w := range all {
		var n int64
		err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT object FROM term WHERE kind = $1 AND word >= $2 AND word < $3 LIMIT $4) m`,
			titleTerm, []byte(w), append([]byte(w), 0xff), maxTitles).Scan(&n)
		if err != nil {
			return "", err
		}
		if n < least || n == least && len(w) > len(best) {
			best, least = w, n
		}
	}
	return best, nil
}

// beyond is a text behind all that begin with another.
func beyond(text string) string { return text + "\U0010FFFF" }

func (r *Reader) searchOrders(ctx context.Context, text string, limit int) ([]Hit, error) {
	const columns = `SELECT o.public, CASE WHEN o.task <> '' THEN o.task ELSE o.measure END, i.title, o.recorded_at FROM orders o JOIN incident i ON i.id = o.incident WHERE `
	sees := r.seesFew(casebook.SharedOrder, "o")
	if id, ok := named(casebook.OrderPrefix, text); ok {
		return r.hits(ctx, "id", columns+`o.public = $1 AND `+sees, id[:])
	}
	return r.hits(ctx, "task", columns+`o.tenant = $1 AND o.task >= $2 AND o.task < $3 AND o.task <> '' AND `+sees+` ORDER BY o.task, o.id LIMIT $4`, r.scope.Tenant, text, beyond(text), limit)
}

func (r *Reader) searchReports(ctx context.Context, text string, limit int) ([]Hit, error) {
	const columns = `SELECT r.public, CASE WHEN r.task <> '' THEN r.task ELSE r.stage END, i.title, r.opened_at FROM report r JOIN incident i ON i.id = r.incident `
	sees := r.seesFew(casebook.SharedReport, "r")
	if id, ok := named(casebook.ReportPrefix, text); ok {
		return r.hits(ctx, "id", columns+`WHERE r.public = $1 AND `+sees, id[:])
	}
	hits, err := r.hits(ctx, "task", columns+`WHERE r.task >= $1 AND r.task < $2 AND r.task <> '' AND `+sees+` ORDER BY r.task, r.id LIMIT $3`, text, beyond(text), limit)
	if err != nil {
		return nil, err
	}
	others, err := r.hits(ctx, "reference", strings.Replace(columns, "CASE WHEN r.task <> '' THEN r.task ELSE r.stage END", "c.reference", 1)+
		`JOIN recipient c ON c.report = r.id WHERE c.reference >= $1 AND c.reference < $2 AND c.reference <> '' AND `+sees+` ORDER BY c.reference, c.id LIMIT $3`, text, beyond(text), limit)
	for _, h := range others {
		if !slices.ContainsFunc(hits, func(one Hit) bool { return one.ID == h.ID }) {
			hits = append(hits, h)
		}
	}
	return hits[:min(len(hits), limit)], err
}

func (r *Reader) searchDuties(ctx context.Context, text string, _ int) ([]Hit, error) {
	id, ok := named(casebook.DutyPrefix, text)
	if !ok {
		return nil, nil
	}
	return r.hits(ctx, "id", `SELECT d.public, d.stage, i.title, d.due FROM duty d JOIN incident i ON i.id = d.incident WHERE d.public = $1 AND `+r.seesFew(casebook.SharedDuty, "d"), id[:])
}

func (r *Reader) searchParties(ctx context.Context, text string, limit int) ([]Hit, error) {
	all, err := r.Parties(ctx)
	if err != nil {
		return nil, err
	}
	id, isID := named(casebook.PartyPrefix, text)
	var hits []Hit
	for _, p := range all {
		h := Hit{ID: p.ID, Title: p.Name, Of: p.Region, At: p.RecordedAt, Why: "party"}
		switch {
		case isID && p.ID == id:
			h.Why = "id"
		case !strings.Contains(strings.ToLower(p.Name), strings.ToLower(text)):
			continue
		}
		if hits = append(hits, h); len(hits) == limit {
			break
		}
	}
	return hits, nil
}
