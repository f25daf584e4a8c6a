package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

var (
	batchTable = covered(11, "batch", `delivery:i first_row:i last_row:i taken:i duplicate:i refused:i format:i holdings:i recorded_at:i`)

	observationTable = covered(12, "observation", `tenant:i region:t tlp:i exercise:i recorded_by:t recorded_at:i received_at:i observed_at:i
		key:b delivery:i row_no:i batch:i source:i threat:i finding:i type:i role:i severity:i confidence:i identifier:t family:t
		asset_kind:i asset:b port:i transport:i peer_kind:i peer:b peer_port:i asn:i`)
)

// A Batch is a run of a delivery's rows, read, attributed, and ready to be folded.
type Batch struct {
	Delivery casebook.ID
	FirstRow int64 // the rows are FirstRow to LastRow; LastRow = FirstRow-1 for none
	LastRow  int64
	Format   int64 // version of the format that read them
	Source   string
	GapDays  int
	Holdings int64 // the holding_import whose table attributed them, 0 none
	Claims   []Claim
	Refusals []casebook.Refusal
	End      casebook.DeliveryState // Accepted while more rows may follow
	Fault    string                 // why a delivery is broken or unreadable
}

// A Claim is an observation with what the tables say of its asset. Its Extra
// fields stay behind, in the delivery.
type Claim struct {
	casebook.Observation
	casebook.Attribution
}

// Fold takes a batch: it drops what was claimed before, folds the rest into
// findings and threats, counts everything, and moves the delivery's cursor. It
// gives ErrConflict, and changes nothing, when the cursor isn't just before the
// batch: somebody else took it.
func (tx *Tx) Fold(b *Batch) (casebook.Delivery, error) {
	if err := tx.db.dialect.lock(tx, lockFolding); err != nil {
		return casebook.Delivery{}, err
	}
	d, err := tx.delivery(b.Delivery)
	if err != nil {
		return casebook.Delivery{}, err
	}
	if d.State.Done() || d.Rows != b.FirstRow-1 {
		return d.Delivery, fmt.Errorf("delivery %s stands at row %d (%s), not before row %d: %w",
			d.ID.Text(casebook.DeliveryPrefix), d.Rows, d.State, b.FirstRow, casebook.ErrConflict)
	}
	f := folding{tx: tx, batch: b, delivery: d, threats: map[threatKey]*threatRow{}, growth: map[sizeKey]*growth{},
		counts: tallies{}, parts: partTallies{}, evidence: map[evidenceKey]*said{}}
	if err := f.run(); err != nil {
		return d.Delivery, fmt.Errorf("fold rows %d to %d of %s: %w", b.FirstRow, b.LastRow, d.ID.Text(casebook.DeliveryPrefix), err)
	}
	return d.Delivery, nil
}

// threatKey is how a batch finds its threats: by family, or where the source names
// none by its own word for what it found.
type threatKey struct{ class, family, word string }

// folded is the key by which spellings are one. No family begins with a blank when
// it is folded, so that no word is taken for one.
func (k threatKey) folded() string {
	if k.family == "" {
		return " " + casebook.FamilyKey(k.word)
	}
	return casebook.FamilyKey(k.family)
}

// A folding is the work of one Fold.
type folding struct {
	tx       *Tx
	batch    *Batch
	delivery *deliveryRow
	batchID  int64
	source   *source
	threats  map[threatKey]*threatRow
	growth   map[sizeKey]*growth
	fresh    []part // claims not made before, by finding
	grew     bool   // the threat whose sizes are being written
	counts   tallies
	parts    partTallies
	held     []int64 // findings whose asset was somebody's before this batch
	evidence map[evidenceKey]*said
	terms    [][]any
	ofParts  [][]any // terms of parts
}

// A part is one claim on its way into its finding.
type part struct {
	claim  *Claim
	id     int64 // of its observation
	threat *threatRow
	key    findingKey
}

func (f *folding) run() (err error) {
	if len(f.batch.Claims) > 0 {
		if f.source, err = f.tx.source(f.delivery.Mark, f.batch.Source, f.batch.GapDays); err != nil {
			return err
		}
		if err := f.dedup(); err != nil {
			return err
		}
	}
	if err := f.advance(); err != nil {
		return err
	}
	if len(f.fresh) > 0 {
		if err := f.assign(); err != nil {
			return err
		}
		if err := f.intoFindings(); err != nil {
			return err
		}
		if err := f.intoThreats(); err != nil {
			return err
		}
		if err := f.intoViews(); err != nil {
			return err
		}
	}
	return f.intoSource()
}

// dedup finds the claims that nobody made before, here or in an earlier batch.
func (f *folding) dedup() error {
	claims := f.batch.Claims
	order := make([]int32, len(claims))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		x, y := &claims[a].Observation, &claims[b].Observation
		return cmp.Or(x.ObservedAt.Compare(y.ObservedAt), x.Key.Compare(y.Key), cmp.Compare(a, b))
	})
	order = slices.CompactFunc(order, func(a, b int32) bool { return claims[a].Key == claims[b].Key })
	ids, err := f.tx.takeIDs("observation", len(order))
	if err != nil {
		return err
	}
	asked := make([]claim, len(order))
	for i, c := range order {
		asked[i] = claim{claims[c].ObservedAt.UnixMicro(), casebook.Key(f.key(&claims[c])), ids[i]}
	}
	isNew, err := f.tx.db.dialect.insertSeen(f.tx, asked)
	if err != nil {
		return fmt.Errorf("look for claims made before: %w", err)
	}
	f.fresh = make([]part, 0, len(order))
	for i, c := range order {
		if isNew[i] {
			f.fresh = append(f.fresh, part{claim: &claims[c], id: ids[i]})
		}
	}
	return nil
}

// key gives the octets by which a claim is known. Those of drills, and of other
// tenants than the first, are their own: a claim made in a drill isn't one made in
// earnest.
func (f *folding) key(c *Claim) []byte {
	m := f.delivery.Mark
	if m.Tenant == 1 && !m.Exercise {
		return c.Key[:]
	}
	b := binary.BigEndian.AppendUint64(slices.Clone(c.Key[:]), uint64(m.Tenant))
	sum := sha256.Sum256(append(b, byte(bit(m.Exercise))))
	return sum[:len(c.Key)]
}

// advance writes the batch, its bad rows, and the delivery with its new cursor.
func (f *folding) advance() (err error) {
	b, d, tx := f.batch, f.delivery, f.tx
	if err := tx.refuse(d, b.Refusals); err != nil {
		return err
	}
	taken := int64(len(f.fresh))
	duplicate, refused := int64(len(b.Claims))-taken, int64(len(b.Refusals))
	if b.LastRow >= b.FirstRow {
		if f.batchID, err = tx.id("batch"); err != nil {
			return err
		}
		err = tx.insert(batchTable, []any{f.batchID, tx.salt(), d.id, b.FirstRow, b.LastRow, taken, duplicate, refused, b.Format, b.Holdings, micros(tx.at)})
		if err != nil {
			return err
		}
	}
	d.Rows, d.State, d.Format, d.Fault = b.LastRow, b.End, b.Format, b.Fault
	d.Taken, d.Refused = d.Taken+taken, d.Refused+refused
	// The rows that made no observation and weren't refused. Summing up would count
	// those twice that an earlier reading took.
	d.Duplicate = max(0, d.Rows-d.Taken-d.Refused)
	d.recordedAt = micros(tx.at)
	return tx.update(deliveryTable, d.row())
}

// assign leads each claim to its threat, and orders claims by finding.
func (f *folding) assign() error {
	for i := range f.fresh {
		p := &f.fresh[i]
		o := &p.claim.Observation
		k := threatKey{class: o.Type.Class(), family: clean(o.Family)}
		if strings.TrimSpace(k.family) == "" {
			k.family, k.word = "", clean(cmp.Or(o.Identifier, o.Type.String()))
		}
		t := f.threats[k]
		if t == nil {
			var err error
			if t, err = f.threat(k, p); err != nil {
				return err
			}
			f.threats[k] = t
		}
		p.threat = t
		p.key = findingKey{t.id, o.Role, o.Asset, o.Port}
		if o.Role == casebook.Bot || o.Role == casebook.Attacker || o.Role == casebook.Victim {
			p.key.port = 0 // the passing choice of a machine, no service
		}
	}
	slices.SortFunc(f.fresh, func(a, b part) int { return cmp.Or(a.key.compare(b.key), cmp.Compare(a.claim.Row, b.claim.Row)) })
	return nil
}

// threat finds a threat by its folded name: two spellings in one batch are one.
func (f *folding) threat(k threatKey, p *part) (*threatRow, error) {
	folded := threatKey{class: k.class, word: "\x00" + k.folded()}
	if t := f.threats[folded]; t != nil {
		return t, nil
	}
	m := f.delivery.Mark
	m.TLP, m.Region = p.claim.TLP, ""
	t, err := f.tx.threat(m, k, p.claim.ObservedAt)
	if err == nil {
		f.threats[folded] = t
	}
	return t, err
}

// intoFindings folds the claims into their findings and writes both.
func (f *folding) intoFindings() error {
	var keys []findingKey
	for i, p := range f.fresh {
		if i == 0 || p.key != f.fresh[i-1].key {
			keys = append(keys, p.key)
		}
	}
	known := make([]*findingRow, len(keys))
	err := f.tx.db.dialect.findings(f.tx, keys, func(i int, row []any) (err error) {
		known[i], err = findingOf(row)
		return err
	})
	if err != nil {
		return err
	}
	missing := 0
	for _, k := range known {
		if k == nil {
			missing++
		}
	}
	ids, err := f.tx.takeIDs("finding", missing)
	if err != nil {
		return err
	}
	added, changed := make([][]any, 0, missing), make([][]any, 0, len(keys)-missing)
	news := make([]findingRow, missing)
	all, created := make([]*findingRow, 0, len(keys)), map[int64]bool{}
	observations := make([][]any, 0, len(f.fresh))
	for rest, i := f.fresh, 0; len(rest) > 0; i++ {
		n := 1
		for n < len(rest) && rest[n].key == rest[0].key {
			n++
		}
		row := known[i]
		if row == nil {
			row, news = &news[0], news[1:]
			row.id, row.salt, row.threat = ids[0], f.tx.salt(), keys[i].threat
			row.ID, row.Mark = casebook.NewID(f.tx.at), f.delivery.Mark
			ids = ids[1:]
			created[row.id] = true
			f.fold(row, rest[:n])
			is := row.counted()
			f.counts.move(nil, &is)
			f.terms = append(f.terms, nameTerms(row.id, row.Asset)...)
			added = append(added, row.row(f.tx))
		} else {
			was := row.counted()
			if was.party != "" {
				f.held = append(f.held, row.id)
			}
			f.fold(row, rest[:n])
			is := row.counted()
			f.counts.move(&was, &is)
			changed = append(changed, row.row(f.tx))
		}
		for _, p := range rest[:n] {
			observations = append(observations, f.observation(&p, row))
		}
		rest = rest[n:]
		all = append(all, row)
	}
	slices.SortFunc(observations, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	if err := f.tx.insert(findingTable, added...); err != nil {
		return err
	}
	if err := f.tx.update(findingTable, changed...); err != nil {
		return err
	}
	if err := f.tx.insert(observationTable, observations...); err != nil {
		return err
	}
	return f.intoParts(all, created)
}

// fold puts claims, all of one finding, into it, and into the growth of its threat.
func (f *folding) fold(row *findingRow, parts []part) {
	g := f.growth[sizeKey{row.threat, parts[0].key.role}]
	if g == nil {
		g = &growth{days: map[casebook.Day]int64{}, hours: map[int64]*casebook.Sketch{}}
		f.growth[sizeKey{row.threat, parts[0].key.role}] = g
	}
	if row.Count == 0 {
		k := parts[0].key
		row.Role, row.Asset, row.Port = k.role, k.asset, k.port
		g.findings++
		parts[0].threat.Findings++
	}
	hash := assetHash(row.Asset, row.Port)
	for _, p := range parts {
		o := &p.claim.Observation
		if take(&row.Finding, &row.sources, p.claim, f.source.id) {
			g.days[casebook.DayOf(o.ObservedAt)]++
		}
		hour := hourOf(o.ObservedAt)
		if g.hours[hour] == nil {
			g.hours[hour] = &casebook.Sketch{}
		}
		g.hours[hour].Add(hash)
		f.counts.observe(f.delivery.Mark, o)
		f.attest(p)
		t := p.threat
		t.Count++
		t.Mark.TLP = casebook.Stricter(t.Mark.TLP, o.TLP)
		if o.ObservedAt.Before(t.FirstSeen) {
			t.FirstSeen = o.ObservedAt
		}
		if o.ObservedAt.After(t.LastSeen) {
			t.LastSeen = o.ObservedAt
		}
	}
	row.RecordedAt = f.tx.at
}

// attest notes what the source says of the threat.
func (f *folding) attest(p part) {
	o := &p.claim.Observation
	k := evidenceKey{p.threat.id, int64(o.Role), int64(o.Type), clean(o.Identifier), int64(o.TLP)}
	s := f.evidence[k]
	if s == nil {
		s = &said{}
		f.evidence[k] = s
	}
	s.note(o)
}

// hourOf gives the clock hour of a moment, counted from 1970; the one before is -1.
func hourOf(t time.Time) int64 {
	day := casebook.DayOf(t)
	return int64(day)*24 + int64(t.Sub(day.Start())/time.Hour)
}

// assetHash is uniform whatever the assets: an attacker who picks addresses
// can't bend the sketches.
func assetHash(a casebook.Asset, port uint16) uint64 {
	b := a.AppendCanonical(make([]byte, 0, 64))
	b = append(b, byte(a.Kind), byte(port>>8), byte(port))
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}

func (f *folding) observation(p *part, finding *findingRow) []any {
	o := &p.claim.Observation
	return f.tx.line(p.id, f.tx.salt(), f.delivery.Mark.Tenant, p.claim.Region, int64(o.TLP), bit(f.delivery.Mark.Exercise), f.delivery.Mark.RecordedBy,
		micros(f.tx.at), micros(f.delivery.ReceivedAt), o.ObservedAt.UnixMicro(), f.key(p.claim), f.delivery.id, o.Row, f.batchID, f.source.id,
		p.threat.id, finding.id, int64(o.Type), int64(o.Role), int64(o.Severity), int64(o.Confidence), o.Identifier, o.Family,
		int64(o.Asset.Kind), octets(o.Asset.AppendCanonical(nil)), int64(o.Port), int64(o.Transport),
		int64(o.Peer.Kind), octets(o.Peer.AppendCanonical(nil)), int64(o.PeerPort), int64(p.claim.ASN))
}

// intoThreats writes the threats of the batch and their sizes.
func (f *folding) intoThreats() error {
	done := map[*threatRow]bool{}
	var threats []*threatRow
	for _, t := range f.threats {
		if !done[t] {
			done[t] = true
			threats = append(threats, t)
		}
	}
	slices.SortFunc(threats, func(a, b *threatRow) int { return cmp.Compare(a.id, b.id) })
	for _, t := range threats {
		if err := f.tx.saveThreat(t); err != nil {
			return err
		}
	}
	var keys []sizeKey
	for k := range f.growth {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b sizeKey) int { return cmp.Or(cmp.Compare(a.threat, b.threat), cmp.Compare(a.role, b.role)) })
	for i, k := range keys {
		grew, err := f.tx.grow(k, f.growth[k])
		if err != nil {
			return err
		}
		f.grew = f.grew || grew
		if last := i == len(keys)-1 || keys[i+1].threat != k.threat; last && f.grew {
			if err := f.tx.noteGrowth(k.threat); err != nil {
				return err
			}
			f.grew = false
		}
	}
	return nil
}

// intoViews writes what pages count and search by.
func (f *folding) intoViews() error {
	if err := f.tx.count(f.counts); err != nil {
		return err
	}
	if err := f.tx.countParts(f.parts); err != nil {
		return err
	}
	if err := f.tx.saveEvidence(f.source.id, f.evidence); err != nil {
		return err
	}
	if err := f.tx.db.dialect.insert(f.tx, partTermTable, f.ofParts); err != nil {
		return err
	}
	return f.tx.db.dialect.insert(f.tx, termTable, f.terms)
}

// intoSource notes the days on which the source was heard; a claim made before
// is heard too.
func (f *folding) intoSource() error {
	if f.source == nil {
		return nil
	}
	for i := range f.batch.Claims {
		if f.source.days.Add(casebook.DayOf(f.batch.Claims[i].ObservedAt)) {
			f.source.changed = true
		}
	}
	return f.tx.saveSource(f.source)
}
