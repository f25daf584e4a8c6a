package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/casebook"
)

var (
	threatTable = covered(7, "threat", `public:b tenant:i region:t tlp:i exercise:i recorded_by:t recorded_at:i
		class:t family:t family_key:t first_seen:i last_seen:i count:i findings:i`)
	threatDayTable  = covered(8, "threat_day", `threat:i role:i day:i assets:i`)
	threatHourTable = covered(9, "threat_hour", `threat:i role:i hour:i sketch:b`)
	threatSizeTable = covered(10, "threat_size", `threat:i role:i total:i peak_day:i day_low:i day_point:i day_high:i
		hour_low:i hour_point:i hour_high:i`)
)

// A threatRow is a Threat with what only the database needs.
type threatRow struct {
	id    int64
	salt  []byte
	isNew bool
	casebook.Threat
}

func (t *threatRow) row(at int64) []any {
	tenant, region, tlp, exercise, by := mark(t.Mark)
	return []any{t.id, t.salt, t.ID[:], tenant, region, tlp, exercise, by, at,
		t.Type, t.Family, t.Key, t.FirstSeen.UnixMicro(), t.LastSeen.UnixMicro(), t.Count, t.Findings}
}

func scanThreat(s interface{ Scan(...any) error }) (*threatRow, error) {
	var t threatRow
	var public []byte
	var at, first, last int64
	err := s.Scan(&t.id, &t.salt, &public, &t.Mark.Tenant, &t.Mark.Region, &t.Mark.TLP, &t.Mark.Exercise, &t.Mark.RecordedBy, &at,
		&t.Type, &t.Family, &t.Key, &first, &last, &t.Count, &t.Findings)
	copy(t.ID[:], public)
	t.FirstSeen, t.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
	return &t, err
}

// threat finds the threat of a class and family or begins it; saveThreat writes it.
func (tx *Tx) threat(m casebook.Mark, class, family string, seen time.Time) (*threatRow, error) {
	key := casebook.FamilyKey(family)
	t, err := scanThreat(tx.row(threatTable.selectSQL+` WHERE tenant = $1 AND exercise = $2 AND class = $3 AND family_key = $4`,
		m.Tenant, bit(m.Exercise), class, key))
	if !errors.Is(err, sql.ErrNoRows) {
		return t, err
	}
	t = &threatRow{salt: tx.salt(), isNew: true, Threat: casebook.Threat{
		ID: casebook.NewID(tx.at), Mark: m, Type: class, Family: family, Key: key, FirstSeen: seen, LastSeen: seen}}
	t.id, err = tx.id("threat")
	return t, err
}

func (tx *Tx) saveThreat(t *threatRow) error {
	if t.isNew {
		return tx.insert(threatTable, t.row(micros(tx.at)))
	}
	return tx.update(threatTable, t.row(micros(tx.at)))
}

// sizeKey names whose size is counted.
type sizeKey struct {
	threat int64
	role   casebook.Role
}

// growth is what one batch adds to the size of a threat.
type growth struct {
	findings int64
	days     map[casebook.Day]int64     // findings that were never seen on the day before
	hours    map[int64]*casebook.Sketch // assets seen, by hour since 1970
}

// grow folds a batch's growth into the counts of a threat's role.
func (tx *Tx) grow(k sizeKey, g *growth) error {
	size, err := tx.size(k)
	if err != nil {
		return err
	}
	size.UniqueTotal += g.findings
	for _, day := range sortedKeys(g.days) {
		assets, err := tx.growDay(k, day, g.days[day])
		if err != nil {
			return err
		}
		if assets > size.Unique24h.Low {
			size.Unique24h.Low, size.PeakDay = assets, day
		}
	}
	for _, hour := range sortedKeys(g.hours) {
		if err := tx.growHour(k, hour, g.hours[hour], &size.Size); err != nil {
			return err
		}
	}
	// The exact count of a day bounds the estimate from below.
	d := &size.Unique24h
	d.Point = max(d.Point, d.Low)
	d.High = max(d.High, d.Point)
	return tx.saveSize(k, size)
}

func (tx *Tx) growDay(k sizeKey, day casebook.Day, more int64) (int64, error) {
	var id, assets int64
	var salt []byte
	err := tx.row(`SELECT id, salt, assets FROM threat_day WHERE threat = $1 AND role = $2 AND day = $3`, k.threat, int64(k.role), int64(day)).Scan(&id, &salt, &assets)
	row := func() []any { return []any{id, salt, k.threat, int64(k.role), int64(day), assets + more} }
	if errors.Is(err, sql.ErrNoRows) {
		if id, err = tx.id("threat_day"); err != nil {
			return 0, err
		}
		salt = tx.salt()
		return more, tx.insert(threatDayTable, row())
	}
	if err != nil || more == 0 {
		return assets, err
	}
	return assets + more, tx.update(threatDayTable, row())
}

// growHour merges a sketch into an hour's, and raises the sizes by the windows
// that hold this hour.
func (tx *Tx) growHour(k sizeKey, hour int64, seen *casebook.Sketch, size *casebook.Size) error {
	around, err := tx.hours(k, hour-23, hour+23)
	if err != nil {
		return err
	}
	mine, ok := around[hour]
	if !ok {
		mine = &hourRow{salt: tx.salt()}
		if mine.id, err = tx.id("threat_hour"); err != nil {
			return err
		}
		around[hour] = mine
	}
	mine.sketch.Merge(*seen)
	row := []any{mine.id, mine.salt, k.threat, int64(k.role), hour, mine.sketch.AppendBinary(nil)}
	if ok {
		err = tx.update(threatHourTable, row)
	} else {
		err = tx.insert(threatHourTable, row)
	}
	raise(&size.Concurrent1h, mine.sketch)
	eachWindow(around, hour, func(s casebook.Sketch) { raise(&size.Unique24h, s) })
	return err
}

// raise lifts an interval to what a sketch says. The low end of an estimate is
// no count: it lifts nothing.
func raise(i *casebook.Interval, s casebook.Sketch) {
	n := s.Size()
	if s.Exact() {
		i.Low = max(i.Low, n.Low)
	}
	i.Point = max(i.Point, n.Point)
	i.High = max(i.High, n.High)
}

// eachWindow calls f with the union of every 24 clock hours that begin at one of
// the hours and hold the middle one.
func eachWindow(hours map[int64]*hourRow, middle int64, f func(casebook.Sketch)) {
	all := sortedKeys(hours)
	// right[i] is the union of the hours from the middle to all[i].
	right := map[int64]casebook.Sketch{}
	union := casebook.Sketch{}
	for _, h := range all {
		if h >= middle {
			union.Merge(hours[h].sketch)
			right[h] = union.Clone()
		}
	}
	left := casebook.Sketch{}
	for _, from := range slices.Backward(all) {
		if from > middle {
			continue
		}
		left.Merge(hours[from].sketch)
		last := middle
		for _, h := range all {
			if h > last && h <= from+23 {
				last = h
			}
		}
		window := left.Clone()
		window.Merge(right[last])
		f(window)
	}
}

type hourRow struct {
	id     int64
	salt   []byte
	sketch casebook.Sketch
}

func (tx *Tx) hours(k sizeKey, from, to int64) (map[int64]*hourRow, error) {
	rows, err := tx.query(`SELECT hour, id, salt, sketch FROM threat_hour WHERE threat = $1 AND role = $2 AND hour >= $3 AND hour <= $4`,
		k.threat, int64(k.role), from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64]*hourRow{}
	for rows.Next() {
		var hour int64
		var sketch []byte
		var h hourRow
		if err := rows.Scan(&hour, &h.id, &h.salt, &sketch); err != nil {
			return nil, err
		}
		if h.sketch, err = casebook.ParseSketch(sketch); err != nil {
			return nil, fmt.Errorf("threat %d hour %d: %w", k.threat, hour, err)
		}
		all[hour] = &h
	}
	return all, rows.Err()
}

type sizeRow struct {
	id    int64
	salt  []byte
	isNew bool
	casebook.Size
}

const sizeColumns = `role, total, peak_day, day_low, day_point, day_high, hour_low, hour_point, hour_high`

func (s *sizeRow) into() []any {
	return []any{&s.Role, &s.UniqueTotal, &s.PeakDay, &s.Unique24h.Low, &s.Unique24h.Point, &s.Unique24h.High,
		&s.Concurrent1h.Low, &s.Concurrent1h.Point, &s.Concurrent1h.High}
}

func (tx *Tx) size(k sizeKey) (*sizeRow, error) {
	var s sizeRow
	err := tx.row(`SELECT id, salt, `+sizeColumns+` FROM threat_size WHERE threat = $1 AND role = $2`, k.threat, int64(k.role)).
		Scan(append([]any{&s.id, &s.salt}, s.into()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		s.salt, s.isNew = tx.salt(), true
		s.id, err = tx.id("threat_size")
	}
	return &s, err
}

func (tx *Tx) saveSize(k sizeKey, s *sizeRow) error {
	row := []any{s.id, s.salt, k.threat, int64(k.role), s.UniqueTotal, int64(s.PeakDay), s.Unique24h.Low, s.Unique24h.Point, s.Unique24h.High,
		s.Concurrent1h.Low, s.Concurrent1h.Point, s.Concurrent1h.High}
	if s.isNew {
		return tx.insert(threatSizeTable, row)
	}
	return tx.update(threatSizeTable, row)
}

// Threat gives one threat with its sizes.
func (r *Reader) Threat(ctx context.Context, id casebook.ID) (casebook.Threat, error) {
	t, err := scanThreat(r.q.QueryRowContext(ctx, threatTable.selectSQL+` WHERE public = $1 AND `+r.sees(), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		return casebook.Threat{}, fmt.Errorf("threat %s: %w", id.Text(casebook.ThreatPrefix), casebook.ErrNotFound)
	}
	if err == nil {
		t.Sizes, err = r.sizes(ctx, t.id)
	}
	return t.Threat, err
}

// Threats gives threats with their sizes, newest first, from after the one named on.
func (r *Reader) Threats(ctx context.Context, after casebook.ID, limit int) ([]casebook.Threat, error) {
	rows, err := r.q.QueryContext(ctx, threatTable.selectSQL+` WHERE `+r.sees()+before(after, 1)+` ORDER BY public DESC LIMIT $2`, after[:], limit)
	page, err := collect(rows, err, func(rows *sql.Rows) (*threatRow, error) { return scanThreat(rows) })
	if err != nil {
		return nil, err
	}
	threats := make([]casebook.Threat, len(page))
	for i, t := range page {
		if t.Sizes, err = r.sizes(ctx, t.id); err != nil {
			return nil, err
		}
		threats[i] = t.Threat
	}
	return threats, nil
}

func (r *Reader) sizes(ctx context.Context, threat int64) ([]casebook.Size, error) {
	rows, err := r.q.QueryContext(ctx, `SELECT `+sizeColumns+` FROM threat_size WHERE threat = $1 ORDER BY role`, threat)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Size, error) {
		var s sizeRow
		err := rows.Scan(s.into()...)
		return s.Size.Bounded(), err
	})
}

func sortedKeys[K ~int32 | ~int64, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
