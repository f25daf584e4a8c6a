package feed

import (
	_ "embed"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

//go:embed shadowserver.tsv
var shadowTable string

//go:embed shadowserver-columns.txt
var shadowColumns string

// shadowType is what is known of one Shadowserver report type.
type shadowType struct {
	name        string
	told        string // the publisher's word for the RSIT type
	typ         casebook.Type
	severity    casebook.Severity
	application string
	shape       shape
}

// generalShape holds for every report type that has no rule of its own: newer
// reports speak of a source and a destination, older ones of one address.
func generalShape() shape {
	return shape{
		clock:      clock{layouts: []string{"rfc3339"}, zone: time.UTC},
		times:      []string{"timestamp"},
		assets:     []candidate{{"src_ip", []kind{kindIP}}, {"ip", []kind{kindIP}}},
		ports:      []string{"src_port", "port"},
		peers:      []candidate{{"dst_ip", []kind{kindIP}}},
		peerPorts:  []string{"dst_port"},
		transports: []string{"protocol"},
		severities: []string{"severity"},
	}
}

// unknownShape reads a report type that no table has.
func unknownShape(reportType string) shape {
	s := generalShape()
	s.assets = append(s.assets, candidate{"url", []kind{kindURL}})
	s.families = []string{"family"}
	s.base = casebook.Observation{Type: casebook.Other, Identifier: reportType, Confidence: 500}
	return s
}

// parseShadowTable reads the table of report types, by name.
func parseShadowTable(table, columns string) (map[string]shadowType, error) {
	known := map[string]bool{}
	for _, name := range strings.Fields(columns) {
		known[name] = true
	}
	types := map[string]shadowType{}
	n := 0
	for line := range strings.Lines(table) {
		n++
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		t, err := parseShadowType(line)
		if err != nil {
			return nil, fmt.Errorf("shadowserver.tsv line %d: %w", n, err)
		}
		t.shape.known = known
		types[t.name] = t
	}
	return types, nil
}

func parseShadowType(line string) (shadowType, error) {
	part := strings.Split(line, "\t")
	if len(part) < 6 {
		return shadowType{}, fmt.Errorf("%d fields, expected at least 6: %w", len(part), casebook.ErrInvalid)
	}
	for i := range part {
		if part[i] == "-" {
			part[i] = ""
		}
	}
	t := shadowType{name: part[0], application: part[4], shape: generalShape()}
	told, ours, differs := strings.Cut(part[1], ">")
	t.told = told
	if !differs {
		ours = told
	}
	var err error
	if t.typ, err = casebook.TypeByName(ours); err != nil {
		return t, err
	}
	if t.severity, err = casebook.ParseSeverity(part[3]); err != nil {
		return t, err
	}
	confidence, err := strconv.ParseUint(part[5], 10, 16)
	if err != nil || confidence > 1000 {
		return t, fmt.Errorf("confidence %q: %w", part[5], casebook.ErrInvalid)
	}
	t.shape.base = casebook.Observation{
		Type: t.typ, Role: t.typ.Role(), Severity: t.severity,
		Confidence: uint16(confidence), Identifier: part[2],
	}
	for rule := range strings.FieldsSeq(strings.Join(part[6:], " ")) {
		key, value, _ := strings.Cut(rule, "=")
		if err := t.shape.rule(key, value); err != nil {
			return t, err
		}
	}
	return t, nil
}

// rule applies one rule of the table.
func (s *shape) rule(key, value string) (err error) {
	list := strings.Split(value, ",")
	switch key {
	case "role":
		s.base.Role, err = casebook.ParseRole(value)
		s.fixed = true
	case "transport":
		s.base.Transport, err = casebook.ParseTransport(value)
	case "asset":
		s.assets, err = candidates(list)
	case "peer":
		s.peers, err = candidates(list)
	case "port":
		s.ports = list
	case "peer_port":
		s.peerPorts = list
	case "family":
		s.families = list
	case "identifier":
		s.identifiers = list
	case "when":
		part := strings.Split(value, ":")
		if len(part) != 4 {
			return fmt.Errorf("rule when=%q: expected column:word:type:identifier: %w", value, casebook.ErrInvalid)
		}
		c := condition{column: part[0], word: part[1], identifier: part[3]}
		c.typ, err = casebook.TypeByName(part[2])
		s.cases = append(s.cases, c)
	default:
		err = fmt.Errorf("rule %q is unknown: %w", key, casebook.ErrInvalid)
	}
	return err
}

// candidates reads column/kind/kind, column; without kinds it is an address.
func candidates(list []string) ([]candidate, error) {
	out := make([]candidate, 0, len(list))
	for _, text := range list {
		part := strings.Split(text, "/")
		c := candidate{column: part[0], kinds: []kind{kindIP}}
		if len(part) > 1 {
			c.kinds = nil
		}
		for _, name := range part[1:] {
			k, ok := kindNames[name]
			if !ok {
				return nil, fmt.Errorf("kind %q is unknown: %w", name, casebook.ErrInvalid)
			}
			c.kinds = append(c.kinds, k)
		}
		out = append(out, c)
	}
	return out, nil
}

// withColumns gives the known columns and more.
func withColumns(known map[string]bool, more []string) map[string]bool {
	all := maps.Clone(known)
	if all == nil {
		all = map[string]bool{}
	}
	for _, name := range more {
		all[fold(name)] = true
	}
	return all
}
