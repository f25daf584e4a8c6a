package feed

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// binding is a shape bound to the columns of one delivery. It serves one
// reading.
type binding struct {
	shape    *shape
	clock    clock
	notAfter time.Time // as Input has it
	words    vocabulary
	keyer    casebook.Keyer

	names []string       // by column
	index map[string]int // of the first column with a name
	twins map[string]int // how often a name has come again
	slots map[string][]*int
	order []int  // the columns by name, so that Extra is sorted
	used  []bool // by column: a typed field of this row holds it
	dirty []dirt // by column
	row   int64  // the number of this row

	// Where the shape's columns are, -1 for those that the delivery lacks.
	times, ports, peerPorts, transports, severities []int
	confidences, families, identifiers, types, tlps []int
	assets, peers, cases                            []int

	extra []casebook.Field
}

func bind(s *shape) *binding {
	b := &binding{shape: s, clock: s.clock, words: vocabulary{}, index: map[string]int{}, twins: map[string]int{}, slots: map[string][]*int{}}
	columns := func(names []string) []int {
		at := make([]int, len(names))
		for i, name := range names {
			at[i] = -1
			b.slots[fold(name)] = append(b.slots[fold(name)], &at[i])
		}
		return at
	}
	candidates := func(list []candidate) []int {
		names := make([]string, len(list))
		for i, c := range list {
			names[i] = c.column
		}
		return columns(names)
	}
	b.times, b.ports, b.peerPorts = columns(s.times), columns(s.ports), columns(s.peerPorts)
	b.transports, b.severities, b.confidences = columns(s.transports), columns(s.severities), columns(s.confidences)
	b.families, b.identifiers = columns(s.families), columns(s.identifiers)
	b.types, b.tlps = columns(s.types), columns(s.tlps)
	b.assets, b.peers = candidates(s.assets), candidates(s.peers)
	named := make([]string, len(s.cases))
	for i, c := range s.cases {
		named[i] = c.column
	}
	b.cases = columns(named)
	return b
}

// add makes room for one more column and gives its number and the name under
// which it goes to Extra: its own, or one with a number behind if it has none
// or another column has it already.
func (b *binding) add(name string) (int, string) {
	at := len(b.names)
	stem := strings.ToValidUTF8(strings.TrimSpace(name), "\uFFFD")
	if stem == "" {
		stem = "column " + strconv.Itoa(at+1)
	}
	unique := stem
	for b.has(unique) {
		b.twins[stem]++
		unique = stem + "." + strconv.Itoa(b.twins[stem]+1)
	}
	b.index[unique] = at
	b.names = append(b.names, unique)
	b.used = append(b.used, false)
	b.dirty = append(b.dirty, dirt{})
	place, _ := slices.BinarySearchFunc(b.order, unique, func(i int, s string) int { return strings.Compare(b.names[i], s) })
	b.order = slices.Insert(b.order, place, at)
	for _, slot := range b.slots[fold(name)] {
		if *slot < 0 {
			*slot = at
		}
	}
	return at, unique
}

func (b *binding) has(name string) bool {
	_, ok := b.index[name]
	return ok
}

// missing names what the columns lack for any row to be taken, "" if nothing.
func (b *binding) missing() string {
	if len(b.times) > 0 && none(b.times) {
		return "no column " + strings.Join(b.shape.times, " or ")
	}
	if none(b.assets) {
		names := make([]string, len(b.shape.assets))
		for i, c := range b.shape.assets {
			names[i] = c.column
		}
		return "no column " + strings.Join(names, " or ")
	}
	return ""
}

func none(columns []int) bool {
	return !slices.ContainsFunc(columns, func(c int) bool { return c >= 0 })
}

// take reads a row into o, whose Row is set, or gives the field at fault, ""
// for the whole row, and the reason. values has one value a column, empty if
// the row has none.
func (b *binding) take(values [][]byte, line int64, o *casebook.Observation) (field, reason string) {
	s := b.shape
	if s.outOfScope != "" {
		return "", s.outOfScope
	}
	b.row = o.Row
	*o = s.base
	o.Row = b.row
	clear(b.used)
	if field, reason = b.takeTime(values, o); reason != "" {
		return field, reason
	}
	if field, reason = b.takeAsset(values, line, o); reason != "" {
		return field, reason
	}
	if field, reason = b.takeType(values, line, o); reason != "" {
		return field, reason
	}
	b.takePeer(values, line, o)
	b.takeMarks(values, line, o)
	b.takeWord(values, b.families, line, &o.Family)
	b.takeWord(values, b.identifiers, line, &o.Identifier)
	b.takeExtra(values, o)
	o.Key = b.keyer.Key(o)
	return "", ""
}

func (b *binding) takeTime(values [][]byte, o *casebook.Observation) (field, reason string) {
	best, wrong := -1, -1
	for _, c := range b.times {
		v := value(values, c)
		if len(v) == 0 {
			continue
		}
		at, ok := b.clock.read(v)
		if !ok {
			wrong = c
		} else if best < 0 || at.After(o.ObservedAt) {
			o.ObservedAt, best = at, c
		}
	}
	switch {
	case best >= 0 && !b.notAfter.IsZero() && o.ObservedAt.After(b.notAfter):
		return b.names[best], fmt.Sprintf("%.80q lies after %s: the source's clock or the row is wrong", value(values, best), b.notAfter.UTC().Format(time.RFC3339))
	case best >= 0:
		b.used[best] = true
		return "", ""
	case wrong >= 0:
		return b.names[wrong], fmt.Sprintf("%.80q is not a moment from 1970 to 2199 in a form that is read here", value(values, wrong))
	}
	return b.shape.times[0], "the row tells no moment"
}

func (b *binding) takeAsset(values [][]byte, line int64, o *casebook.Observation) (field, reason string) {
	wrong := -1
	for i, c := range b.assets {
		v := value(values, c)
		if len(v) == 0 {
			continue
		}
		var port uint16
		var err error
		o.Asset, port, err = parseAsset(v, b.shape.assets[i].kinds)
		switch err {
		case nil:
			b.used[c] = true
			if wrong >= 0 {
				b.soil(wrong, line)
			}
			o.Port = port
			if port == 0 {
				o.Port = b.port(values, b.ports, line)
			}
			return "", ""
		case errLongAsset:
			// The row is about this one, also where another column has a second.
			return b.names[c], fmt.Sprintf("%.80q %v", v, err)
		}
		if wrong < 0 {
			wrong = c
		}
	}
	if wrong >= 0 {
		return b.names[wrong], fmt.Sprintf("%.80q %v", value(values, wrong), errNoAsset)
	}
	for _, c := range b.assets {
		if c >= 0 {
			return b.names[c], "the row tells no address or name that it is about"
		}
	}
	return b.shape.assets[0].column, "the row tells no address or name that it is about"
}

// takePeer reads the other end. One that makes no sense, or is over the bound,
// stays in Extra: the claim about the asset stands without it.
func (b *binding) takePeer(values [][]byte, line int64, o *casebook.Observation) {
	for i, c := range b.peers {
		v := value(values, c)
		if len(v) == 0 {
			continue
		}
		peer, port, err := parseAsset(v, b.shape.peers[i].kinds)
		if err != nil {
			b.soil(c, line)
			continue
		}
		o.Peer, o.PeerPort = peer, port
		b.used[c] = true
		break
	}
	if o.PeerPort == 0 {
		o.PeerPort = b.port(values, b.peerPorts, line)
	}
}

func (b *binding) port(values [][]byte, columns []int, line int64) uint16 {
	for _, c := range columns {
		v := value(values, c)
		if len(v) == 0 {
			continue
		}
		port, ok := parsePort(v)
		if ok {
			b.used[c] = true
			return port
		}
		b.soil(c, line)
	}
	return 0
}

// takeType reads what may differ from the shape's type: a word of the taxonomy,
// or a word that a condition asks for.
func (b *binding) takeType(values [][]byte, line int64, o *casebook.Observation) (field, reason string) {
	for _, c := range b.types {
		v := value(values, c)
		if len(v) == 0 {
			continue
		}
		t, outOfScope, ok := typeWord(string(v))
		switch {
		case outOfScope != "":
			return b.names[c], outOfScope
		case !ok:
			b.soil(c, line)
			continue
		}
		b.used[c] = true
		b.retype(o, t)
		break
	}
	for i, c := range b.cases {
		if rule := &b.shape.cases[i]; c >= 0 && bytes.Contains(values[c], []byte(rule.word)) {
			b.retype(o, rule.typ)
			o.Identifier = rule.identifier
		}
	}
	return "", ""
}

func (b *binding) retype(o *casebook.Observation, t casebook.Type) {
	o.Type = t
	if !b.shape.fixed {
		o.Role = t.Role()
	}
}

func (b *binding) takeMarks(values [][]byte, line int64, o *casebook.Observation) {
	for _, c := range b.transports {
		if v := value(values, c); len(v) > 0 {
			transport, ok := parseTransport(v)
			if b.keep(c, ok, line) {
				o.Transport = transport
			}
		}
	}
	for _, c := range b.severities {
		if v := value(values, c); len(v) > 0 {
			severity, ok := parseSeverity(v)
			if b.keep(c, ok, line) {
				o.Severity = severity
			}
		}
	}
	for _, c := range b.confidences {
		if v := value(values, c); len(v) > 0 {
			share, err := strconv.ParseFloat(string(v), 64)
			share /= b.shape.scale
			if b.keep(c, err == nil && share >= 0 && share <= 1, line) {
				o.Confidence = uint16(share*1000 + 0.5)
			}
		}
	}
	for _, c := range b.tlps {
		if v := value(values, c); len(v) > 0 {
			tlp, err := casebook.ParseTLP(strings.TrimPrefix(strings.ToUpper(string(v)), "TLP:"))
			if b.keep(c, err == nil, line) {
				o.TLP = tlp
			}
		}
	}
}

// takeWord reads the first column that tells something. A word that had to be
// mended stays in Extra as it came, and so does one over the bound, which tells
// nothing.
func (b *binding) takeWord(values [][]byte, columns []int, line int64, to *string) {
	for _, c := range columns {
		if c < 0 || len(values[c]) == 0 {
			continue
		}
		w := b.words.of(values[c])
		if w.long {
			b.soil(c, line)
		}
		if w.s != "" {
			*to = w.s
			b.used[c] = w.exact
			return
		}
	}
}

// takeExtra keeps what no typed field holds, by name.
func (b *binding) takeExtra(values [][]byte, o *casebook.Observation) {
	extra := b.extra[:0]
	for _, c := range b.order {
		if !b.used[c] && len(values[c]) > 0 {
			extra = append(extra, casebook.Field{Name: b.names[c], Value: values[c]})
		}
	}
	b.extra = extra
	o.Extra = extra
}

// keep marks a column as taken if its value made sense.
func (b *binding) keep(column int, ok bool, line int64) bool {
	if ok {
		b.used[column] = true
	} else {
		b.soil(column, line)
	}
	return ok
}

// value gives what a row has in a column, without white space around it.
func value(values [][]byte, column int) []byte {
	if column < 0 {
		return nil
	}
	v := values[column]
	if len(v) > 0 && (v[0] <= ' ' || v[len(v)-1] <= ' ') {
		return bytes.TrimSpace(v)
	}
	return v
}
