package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tocsin/casebook"
)

var (
	threatDayTable  = covered(8, "threat_day", `threat:i! role:i! day:i! assets:i`)
	threatHourTable = covered(9, "threat_hour", `threat:i! role:i! hour:i! sketch:b`)
	threatSizeTable = covered(10, "threat_size", `threat:i! role:i! total:i peak_day:i day_low:i day_point:i day_high:i
		hour_low:i hour_point:i hour_high:i`)
)

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

// grow folds a batch's growth into the counts of a threat's role, and reports
// whether that changed how large the threat is.
func (tx *Tx) grow(k sizeKey, g *growth) (grew bool, err error) {
	size, err := tx.size(k)
	if err != nil {
		return false, err
	}
	before := size.Size.Bounded()
	size.UniqueTotal += g.findings
	peak := int64(0)
	if len(g.days) > 0 && !size.isNew {
		if peak, err = tx.growDay(k, size.PeakDay, 0); err != nil {
			return false, err
		}
	}
	for _, day := range sortedKeys(g.days) {
		assets, err := tx.growDay(k, day, g.days[day])
		if err != nil {
			return false, err
		}
		// The first of the largest days, in whichever order they grew.
		if assets > peak || assets == peak && day < size.PeakDay {
			peak, size.PeakDay = assets, day
		}
	}
	size.Unique24h.Low = max(size.Unique24h.Low, peak)
	for _, run := range hourRuns(sortedKeys(g.hours)) {
		if err := tx.growHours(k, run, g.hours, &size.Size); err != nil {
			return false, err
		}
	}
	// The exact count of a day bounds the estimate from below.
	d := &size.Unique24h
	d.Point = max(d.Point, d.Low)
	d.High = max(d.High, d.Point)
	return size.Size.Bounded() != before, tx.saveSize(k, size)
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

// day is how many clock hours a window of 24 hours has.
const day = 24

// maxRun bounds how many hours are held at once: each may take 4 kB.
const maxRun = 16 * day

// hourRuns cuts sorted hours where no window holds both sides, and where a run
// grows too long to be held at once.
func hourRuns(hours []int64) [][]int64 {
	var runs [][]int64
	for i, h := range hours {
		if i == 0 || h-hours[i-1] >= day || h-runs[len(runs)-1][0] >= maxRun {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], h)
	}
	return runs
}

// growHours merges what was seen into a run of hours, and raises the sizes by
// every window that holds an hour in which something new was seen.
func (tx *Tx) growHours(k sizeKey, run []int64, seen map[int64]*casebook.Sketch, size *casebook.Size) error {
	first, last := run[0], run[len(run)-1]
	hours, err := tx.hours(k, first-day+1, last+day-1)
	if err != nil {
		return err
	}
	var changed []int64
	var added, updated [][]any
	for _, h := range run {
		hour, ok := hours[h]
		if !ok {
			hour = &hourRow{salt: tx.salt()}
			if hour.id, err = tx.id("threat_hour"); err != nil {
				return err
			}
			hours[h] = hour
		}
		if !hour.sketch.Merge(*seen[h]) {
			continue
		}
		changed = append(changed, h)
		raise(&size.Concurrent1h, hour.sketch)
		row := []any{hour.id, hour.salt, k.threat, int64(k.role), h, hour.sketch.AppendBinary(nil)}
		if ok {
			updated = append(updated, row)
		} else {
			added = append(added, row)
		}
	}
	if err := errors.Join(tx.insert(threatHourTable, added...), tx.update(threatHourTable, updated...)); err != nil {
		return err
	}
	if len(changed) > 0 {
		eachWindow(hours, changed[0], changed[len(changed)-1], func(s casebook.Sketch) { raise(&size.Unique24h, s) })
	}
	return nil
}

// raise lifts an interval to what a sketch says. The low end of an estimate is
// no count: all that is certain is that there were too many to count, and saying
// so keeps the low end from depending on how batches were cut.
func raise(i *casebook.Interval, s casebook.Sketch) {
	n := s.Size()
	if s.Exact() {
		i.Low = max(i.Low, n.Low)
	} else {
		i.Low = max(i.Low, casebook.SketchExact+1)
	}
	i.Point = max(i.Point, n.Point)
	i.High = max(i.High, n.High)
}

// eachWindow calls f with the union of every 24 clock hours that begin at an hour
// with something in it and hold an hour from first to last. Windows that begin
// at an empty hour hold no more than one that begins later. Each union is made of
// two: of the rest of a block of 24 hours, and of the beginning of the next.
func eachWindow(hours map[int64]*hourRow, first, last int64, f func(casebook.Sketch)) {
	for from := first - day + 1; from <= last; from += day {
		var heads [day]casebook.Sketch // heads[i]: hours from+day to from+day+i-1
		for i := 1; i < day; i++ {
			heads[i] = heads[i-1]
			if h, ok := hours[from+day+int64(i)-1]; ok {
				heads[i] = heads[i].Clone()
				heads[i].Merge(h.sketch)
			}
		}
		var tail casebook.Sketch // hours from+i to from+day-1
		for i := day - 1; i >= 0; i-- {
			h, ok := hours[from+int64(i)]
			if !ok {
				continue
			}
			tail.Merge(h.sketch)
			if start := from + int64(i); start > last || start+day <= first {
				continue
			}
			window := tail.Clone()
			window.Merge(heads[i])
			f(window)
		}
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
		var sketch sql.RawBytes // parsing copies it
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

func (r *Reader) sizes(ctx context.Context, threat int64) ([]casebook.Size, error) {
	return sizesOf(ctx, r.q, threat)
}

func sizesOf(ctx context.Context, q querier, threat int64) ([]casebook.Size, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+sizeColumns+` FROM threat_size WHERE threat = $1 ORDER BY role`, threat)
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
