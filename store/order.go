package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
)

var (
	orderTable = covered(44, "orders", `public:b! tenant:i! region:t! tlp:i exercise:i! recorded_by:t! recorded_at:i
		incident:i! party:i! by_party:i! state:i measure:t! power:t! article:t! pack:t! form:t! task:t time_limit:i! words:t! approved_by:t served_at:i due:i
		reason:t message:t`)
	orderRowTable = covered(45, "order_row", `orders:i! number:i! finding:i! asset_kind:i! asset:b! port:i! role:i! first_seen:i last_seen:i
		state:i answer:i note:t answered_at:i until_at:i checked_at:i why:t recorded_at:i`)
)

type orderRow struct {
	id                  int64
	salt                []byte
	incident, party, by int64
	message             string
	casebook.Order
}

const selectOrders = `SELECT o.id, o.salt, o.public, o.tenant, o.region, o.tlp, o.exercise, o.recorded_by, o.recorded_at,
	o.incident, o.party, o.by_party, o.state, o.measure, o.power, o.article, o.pack, o.form, o.task, o.time_limit, o.words, o.approved_by, o.served_at, o.due,
	o.reason, o.message, i.public, p.public, p.name, b.public
	FROM orders o JOIN incident i ON i.id = o.incident JOIN party p ON p.id = o.party LEFT JOIN party b ON b.id = o.by_party`

func scanOrder(s interface{ Scan(...any) error }) (*orderRow, error) {
	var o orderRow
	var public, incident, party, by []byte
	var at, limit, served, due int64
	err := s.Scan(&o.id, &o.salt, &public, &o.Mark.Tenant, &o.Mark.Region, &o.Mark.TLP, &o.Mark.Exercise, &o.Mark.RecordedBy, &at,
		&o.incident, &o.party, &o.by, &o.State, &o.Measure, &o.Power, &o.Article, &o.Pack, &o.Form, &o.Task, &limit, &o.Text, &o.ApprovedBy, &served, &due,
		&o.Reason, &o.message, &incident, &party, &o.PartyName, &by)
	copy(o.ID[:], public)
	copy(o.Incident[:], incident)
	copy(o.Party[:], party)
	copy(o.By[:], by)
	o.DraftedBy, o.Limit = o.Mark.RecordedBy, time.Duration(limit)*time.Microsecond
	o.RecordedAt, o.ServedAt, o.Due = moment(at), moment(served), moment(due)
	return &o, err
}

func (o *orderRow) row() []any {
	tenant, region, tlp, exercise, by := mark(o.Mark)
	return []any{o.id, o.salt, o.ID[:], tenant, region, tlp, exercise, by, micros(o.RecordedAt),
		o.incident, o.party, o.by, int64(o.State), o.Measure, o.Power, o.Article, o.Pack, o.Form, o.Task, o.Limit.Microseconds(), o.Text, o.ApprovedBy,
		micros(o.ServedAt), micros(o.Due), o.Reason, o.message}
}

// DraftOrder writes an order that nobody has approved, over findings in their order. Of
// each it quotes the figures of what was attributed to the party, and of one of which
// nothing was the last moment alone: the time before may have been somebody else's.
func (tx *Tx) DraftOrder(o casebook.Order, findings []casebook.ID) (_ casebook.Order, err error) {
	row := orderRow{salt: tx.salt(), Order: o}
	row.ID, row.RecordedAt = casebook.NewID(tx.at), tx.at
	if row.incident, err = numberOf(tx.ctx, tx.conn, "incident", casebook.IncidentPrefix, o.Incident); err != nil {
		return o, err
	}
	if row.party, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, o.Party); err != nil {
		return o, err
	}
	if row.by, err = numberOf(tx.ctx, tx.conn, "party", casebook.PartyPrefix, o.By); err != nil {
		return o, err
	}
	if row.id, err = tx.id("orders"); err != nil {
		return o, err
	}
	if err := tx.insert(orderTable, row.row()); err != nil {
		return o, err
	}
	ids, err := tx.takeIDs("order_row", len(findings))
	if err != nil {
		return o, err
	}
	rows := make([][]any, len(findings))
	for i, finding := range findings {
		f, err := tx.finding(finding)
		if err != nil {
			return o, err
		}
		r := casebook.OrderRow{Number: i + 1, Asset: f.Asset, Port: f.Port, Role: f.Role, FirstSeen: f.LastSeen, LastSeen: f.LastSeen, RecordedAt: tx.at}
		p, err := tx.part(finding, o.Party)
		switch {
		case err == nil:
			r.FirstSeen, r.LastSeen = p.FirstSeen, p.LastSeen
		case !errors.Is(err, casebook.ErrNotFound):
			return o, err
		}
		rows[i] = orderRowValues(ids[i], tx.salt(), row.id, f.id, r)
	}
	return row.Order, tx.insert(orderRowTable, rows...)
}

// finding gives a finding to be changed.
func (tx *Tx) finding(id casebook.ID) (*findingRow, error) {
	rows, err := tx.query(findingTable.selectSQL+` WHERE public = $1`, id[:])
	all, err := collect(rows, err, findingRows)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("finding %s: %w", id.Text(casebook.FindingPrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

func findingRows(rows *sql.Rows) (*findingRow, error) {
	values, err := scanRow(rows, len(findingTable.columns))
	if err != nil {
		return nil, err
	}
	return findingOf(values)
}

func orderRowValues(id int64, salt []byte, order, finding int64, r casebook.OrderRow) []any {
	return []any{id, salt, order, int64(r.Number), finding, int64(r.Asset.Kind), octets(r.Asset.AppendCanonical(nil)), int64(r.Port), int64(r.Role),
		micros(r.FirstSeen), micros(r.LastSeen), int64(r.State), int64(r.Answer), r.Note, micros(r.AnsweredAt), micros(r.Until), micros(r.CheckedAt), r.Why, micros(r.RecordedAt)}
}

func (tx *Tx) order(id casebook.ID) (*orderRow, error) {
	o, err := scanOrder(tx.row(selectOrders+` WHERE o.public = $1`, id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("order %s: %w", id.Text(casebook.OrderPrefix), casebook.ErrNotFound)
	}
	return o, err
}

// Order gives an order to be changed.
func (tx *Tx) Order(id casebook.ID) (casebook.Order, error) {
	o, err := tx.order(id)
	return o.Order, err
}

// OrderBy gives the order that an outbox line serves; ok is false where it serves none.
func (tx *Tx) OrderBy(message string) (_ casebook.Order, ok bool, err error) {
	o, err := scanOrder(tx.row(selectOrders+` WHERE o.message = $1 AND o.message <> ''`, message))
	if errors.Is(err, sql.ErrNoRows) {
		return casebook.Order{}, false, nil
	}
	return o.Order, err == nil, err
}

// SaveOrder writes where an order stands. message names the outbox line that serves
// it; "" leaves what is there.
func (tx *Tx) SaveOrder(o casebook.Order, message string) error {
	row, err := tx.order(o.ID)
	if err != nil {
		return err
	}
	row.State, row.Task, row.ApprovedBy, row.ServedAt, row.Due, row.Reason = o.State, o.Task, o.ApprovedBy, o.ServedAt, o.Due, o.Reason
	if message != "" {
		row.message = message
	}
	row.RecordedAt = tx.at
	return tx.update(orderTable, row.row())
}

// NextTask gives the sequence of the next task number that begins alike.
func (tx *Tx) NextTask(tenant int64, prefix string) (int64, error) {
	var n int64
	err := tx.row(`SELECT COUNT(*) FROM orders WHERE tenant = $1 AND task >= $2 AND task < $3`, tenant, prefix, prefix+"\x7f").Scan(&n)
	return n + 1, err
}

const selectOrderRows = `SELECT w.id, w.salt, w.orders, w.number, w.finding, w.asset_kind, w.asset, w.port, w.role, w.first_seen, w.last_seen,
	w.state, w.answer, w.note, w.answered_at, w.until_at, w.checked_at, w.why, w.recorded_at, o.public, f.public
	FROM order_row w JOIN orders o ON o.id = w.orders JOIN finding f ON f.id = w.finding`

type rowRow struct {
	id, order, finding int64
	salt               []byte
	casebook.OrderRow
}

func scanOrderRow(s interface{ Scan(...any) error }) (*rowRow, error) {
	var r rowRow
	var kind casebook.AssetKind
	var asset, order, finding []byte
	var first, last, answered, until, checked, recorded int64
	err := s.Scan(&r.id, &r.salt, &r.order, &r.Number, &r.finding, &kind, &asset, &r.Port, &r.Role, &first, &last,
		&r.State, &r.Answer, &r.Note, &answered, &until, &checked, &r.Why, &recorded, &order, &finding)
	if err != nil {
		return &r, err
	}
	copy(r.Order[:], order)
	copy(r.Finding[:], finding)
	r.FirstSeen, r.LastSeen, r.AnsweredAt, r.Until, r.CheckedAt, r.RecordedAt = moment(first), moment(last), moment(answered), moment(until), moment(checked), moment(recorded)
	r.Asset, err = casebook.CanonicalAsset(kind, asset)
	return &r, err
}

func orderRows(rows *sql.Rows) (casebook.OrderRow, error) {
	r, err := scanOrderRow(rows)
	return r.OrderRow, err
}

// OrderRows gives the rows of an order in their order.
func (tx *Tx) OrderRows(id casebook.ID) ([]casebook.OrderRow, error) {
	rows, err := tx.query(selectOrderRows+` WHERE o.public = $1 ORDER BY w.number`, id[:])
	return collect(rows, err, orderRows)
}

// OrdersOf gives the orders of an incident in the order in which they were drafted.
func (tx *Tx) OrdersOf(incident casebook.ID) ([]casebook.Order, error) {
	rows, err := tx.query(selectOrders+` WHERE i.public = $1 ORDER BY o.id`, incident[:])
	return collect(rows, err, func(rows *sql.Rows) (casebook.Order, error) {
		o, err := scanOrder(rows)
		return o.Order, err
	})
}

// FindingsOf gives the findings in a threat that a party had last and that aren't
// verified or void. Those that another party of its name had before it aren't its own.
func (tx *Tx) FindingsOf(threat casebook.ID, party casebook.Party, limit int) ([]casebook.ID, error) {
	const last = `SELECT 1 FROM finding_part q WHERE q.finding = f.id AND q.last_seen = f.last_seen`
	rows, err := tx.query(`SELECT f.public FROM finding f JOIN threat t ON t.id = f.threat WHERE t.public = $1 AND f.party = $2 AND f.state NOT IN ($3, $4)
		AND (EXISTS (`+last+` AND q.party = $5) OR NOT EXISTS (`+last+`)) ORDER BY f.id LIMIT $6`,
		threat[:], party.Name, int64(casebook.Verified), int64(casebook.Void), partyText(party.ID), limit)
	return collect(rows, err, func(rows *sql.Rows) (id casebook.ID, err error) {
		var public []byte
		err = rows.Scan(&public)
		copy(id[:], public)
		return id, err
	})
}

// SaveOrderRow writes where a row stands.
func (tx *Tx) SaveOrderRow(r casebook.OrderRow) error {
	row, err := scanOrderRow(tx.row(selectOrderRows+` WHERE o.public = $1 AND w.number = $2`, r.Order[:], int64(r.Number)))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("row %d of order %s: %w", r.Number, r.Order.Text(casebook.OrderPrefix), casebook.ErrNotFound)
	}
	if err != nil {
		return err
	}
	r.RecordedAt = tx.at
	return tx.update(orderRowTable, orderRowValues(row.id, row.salt, row.order, row.finding, r))
}

// SetFinding moves a finding to another state, as far as it is a party's: the party's
// part in it, and all of it unless it was somebody else's since.
func (tx *Tx) SetFinding(id, party casebook.ID, state casebook.State) error {
	row, err := tx.finding(id)
	if err != nil {
		return err
	}
	parts, err := tx.partsOf([]int64{row.id})
	if err != nil {
		return err
	}
	now := func(partKey) (*findingRow, int64) { return row, row.Count }
	was, wasParts := row.counted(), countParts(parts, now)
	all := true
	if p := parts[partKey{row.id, partyText(party)}]; p != nil {
		p.State, p.RecordedAt = state, tx.at
		if err := tx.update(partTable, p.row(tx)); err != nil {
			return err
		}
		all = !p.LastSeen.Before(row.LastSeen)
	}
	if all && row.State != state {
		row.State, row.RecordedAt = state, tx.at
		if err := tx.update(findingTable, row.row(tx)); err != nil {
			return err
		}
	}
	is, counts, ofParts := row.counted(), tallies{}, partTallies{}
	counts.move(&was, &is)
	ofParts.move(wasParts, countParts(parts, now))
	if err := tx.count(counts); err != nil {
		return err
	}
	return tx.countParts(ofParts)
}

// Order gives one order.
func (r *Reader) Order(ctx context.Context, id casebook.ID) (casebook.Order, error) {
	o, err := scanOrder(r.q.QueryRowContext(ctx, selectOrders+` WHERE o.public = $1 AND `+r.seesOf(casebook.SharedOrder, "o"), id[:]))
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("order %s: %w", id.Text(casebook.OrderPrefix), casebook.ErrNotFound)
	}
	return o.Order, err
}

// Orders gives orders, newest first, from after the one named on; the zero incident
// is any, and so are no states.
func (r *Reader) Orders(ctx context.Context, incident, after casebook.ID, limit int, states ...casebook.OrderState) ([]casebook.Order, error) {
	w := where{text: r.seesOf(casebook.SharedOrder, "o"), args: []any{limit}}
	if len(states) > 0 {
		w.and("o.state IN ("+places(len(states))+")", numbersOf(states)...)
	}
	if !incident.IsZero() {
		w.and("i.public = ?", incident[:])
	}
	if !after.IsZero() {
		w.and("o.public < ?", after[:])
	}
	rows, err := r.q.QueryContext(ctx, selectOrders+` WHERE `+w.text+` ORDER BY o.public DESC LIMIT $1`, w.args...)
	return collect(rows, err, func(rows *sql.Rows) (casebook.Order, error) {
		o, err := scanOrder(rows)
		return o.Order, err
	})
}

// OrderCounts counts orders by state.
func (r *Reader) OrderCounts(ctx context.Context) (map[casebook.OrderState]int64, error) {
	return countStates[casebook.OrderState](ctx, r, `orders`, casebook.SharedOrder)
}

// OrderRows gives the rows of an order in their order. To a party each finding has the
// name by which the party knows it, none where nothing of it was attributed to the
// party.
func (r *Reader) OrderRows(ctx context.Context, id casebook.ID) ([]casebook.OrderRow, error) {
	from := selectOrderRows
	if !r.scope.All {
		from = strings.Replace(from, "f.public", "q.public", 1) +
			fmt.Sprintf(" LEFT JOIN finding_part q ON q.finding = w.finding AND q.party = '%s'", partyText(r.scope.Party))
	}
	rows, err := r.q.QueryContext(ctx, from+` WHERE o.public = $1 AND `+r.seesOf(casebook.SharedOrder, "o")+` ORDER BY w.number`, id[:])
	return collect(rows, err, orderRows)
}

// A Checkable is a row of a served order with what was seen of its finding since, as
// far as that was attributed to the order's party.
type Checkable struct {
	casebook.OrderRow
	LastSeen time.Time // of the finding, now
	Seen     casebook.Days
	Gap      int           // of the sources that see it, in days
	Heard    casebook.Days // days on which any of those sources published
}

// Checkables gives the rows that a party said are clean, or that were verified, of
// orders that aren't closed, with what their finding shows.
func (r *Reader) Checkables(ctx context.Context, after int64, limit int) (all []Checkable, next int64, err error) {
	heard, err := r.published(ctx)
	if err != nil {
		return nil, 0, err
	}
	type rowOf struct {
		id    int64
		party casebook.ID
	}
	rows, err := r.q.QueryContext(ctx, `SELECT w.id, p.public FROM order_row w JOIN orders o ON o.id = w.orders JOIN party p ON p.id = o.party
		WHERE o.state = $1 AND w.state IN ($2, $3, $4) AND w.id > $5 ORDER BY w.id LIMIT $6`,
		int64(casebook.ServedOrder), int64(casebook.AnsweredRow), int64(casebook.VerifiedRow), int64(casebook.UnverifiedRow), after, limit)
	ids, err := collect(rows, err, func(rows *sql.Rows) (one rowOf, err error) {
		var party []byte
		err = rows.Scan(&one.id, &party)
		copy(one.party[:], party)
		return one, err
	})
	if err != nil {
		return nil, 0, err
	}
	for _, one := range ids {
		row, err := scanOrderRow(r.q.QueryRowContext(ctx, selectOrderRows+` WHERE w.id = $1`, one.id))
		if err != nil {
			return nil, 0, err
		}
		c, err := r.seenSince(ctx, row, one.party, heard)
		if err != nil {
			return nil, 0, err
		}
		all, next = append(all, c), one.id
	}
	return all, next, nil
}

func (r *Reader) seenSince(ctx context.Context, row *rowRow, party casebook.ID, heard *published) (Checkable, error) {
	c := Checkable{OrderRow: row.OrderRow}
	rows, err := r.q.QueryContext(ctx, partTable.selectSQL+` WHERE finding = $1 AND party = $2`, row.finding, partyText(party))
	parts, err := collect(rows, err, scanPart)
	if err != nil {
		return c, err
	}
	if len(parts) > 0 {
		c.LastSeen, c.Seen = parts[0].LastSeen, parts[0].Days
		c.Gap, c.Heard = heard.of(parts[0].sources)
		return c, nil
	}
	f, err := r.findingByNumber(ctx, row.finding)
	if err != nil {
		return c, err
	}
	c.LastSeen, c.Seen = f.LastSeen, f.Days
	c.Gap, c.Heard = heard.of(f.sources)
	return c, nil
}

func (r *Reader) findingByNumber(ctx context.Context, number int64) (*findingRow, error) {
	rows, err := r.q.QueryContext(ctx, findingTable.selectSQL+` WHERE id = $1`, number)
	all, err := collect(rows, err, findingRows)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("finding %d: %w", number, casebook.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
