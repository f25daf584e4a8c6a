package feed

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tocsin/casebook"
)

// schemaType is a report type in the two shapes in which the publisher gives its
// schema away: intelmq.json tells which column is which, reports.json only which
// columns there are.
type schemaType struct {
	FileName  string            `json:"file_name"`
	Constants map[string]string `json:"constant_fields"`
	Required  [][]any           `json:"required_fields"` // [key, column, converter, …]
	Optional  [][]any           `json:"optional_fields"`

	Type   string   `json:"classification.type"`
	Fields []string `json:"fields"`
}

// overlaySchema lays a publisher's schema file over the table. The file decides
// which types there are, their RSIT type and identifier, and which further
// columns tell what; the table keeps what no schema file says: role, severity,
// confidence, and which column is the asset if several could be.
func overlaySchema(table map[string]shadowType, file string, data []byte) (map[string]shadowType, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("schema file %s: %v: %w", file, err, casebook.ErrInvalid)
	}
	out := maps.Clone(table)
	names := shadowserver{out}
	taken := 0
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		if strings.HasPrefix(name, "_") {
			continue
		}
		var in schemaType
		if err := json.Unmarshal(raw[name], &in); err != nil {
			return nil, fmt.Errorf("schema file %s, report type %.80q: %v: %w", file, name, err, casebook.ErrInvalid)
		}
		columns, err := in.columns()
		if err != nil {
			return nil, fmt.Errorf("schema file %s, report type %.80q: %w", file, name, err)
		}
		if w := in.Constants["classification.identifier"]; len(w) > maxWord {
			return nil, fmt.Errorf("schema file %s, report type %.80q: classification.identifier: %.80q, expected at most %d octets: %w", file, name, w, maxWord, casebook.ErrInvalid)
		}
		if len(columns) == 0 {
			return nil, fmt.Errorf("schema file %s, report type %.80q: no columns: expected the shape of the publisher's intelmq.json or reports.json: %w", file, name, casebook.ErrInvalid)
		}
		key := fold(name)
		if in.FileName != "" {
			key = fold(in.FileName)
		}
		if !typeName.MatchString(key) {
			return nil, fmt.Errorf("schema file %s: report type %.80q: expected letters, digits and underscores: %w", file, key, casebook.ErrInvalid)
		}
		key = names.canonical(key)
		out[key] = in.over(out[key], key, columns)
		taken++
	}
	if taken == 0 {
		return nil, fmt.Errorf("schema file %s: it has no report types: %w", file, casebook.ErrInvalid)
	}
	return out, nil
}

// column is what a schema says of one: the key is empty in reports.json.
type column struct{ key, name string }

func (in *schemaType) columns() ([]column, error) {
	var out []column
	for _, name := range in.Fields {
		out = append(out, column{name: name})
	}
	for _, f := range slices.Concat(in.Required, in.Optional) {
		if len(f) < 2 {
			return nil, fmt.Errorf("field %v: expected [key, column]: %w", f, casebook.ErrInvalid)
		}
		key, ok1 := f[0].(string)
		name, ok2 := f[1].(string)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("field %v: expected two texts: %w", f, casebook.ErrInvalid)
		}
		out = append(out, column{key, name})
	}
	return out, nil
}

// over gives the type that the schema makes of the table's, which is the zero
// value if the table has none.
func (in *schemaType) over(t shadowType, name string, columns []column) shadowType {
	fresh := t.name == ""
	if fresh {
		t = shadowType{name: name, shape: unknownShape(name)}
		t.shape.base.Confidence = 800
		t.shape.families = nil
		t.shape.known = builtinShadow()["event4_sinkhole"].shape.known
	}
	s := &t.shape
	told := in.Type
	if w := in.Constants["classification.type"]; w != "" {
		told = w
	}
	if told != "" && told != t.told && (told != "blacklist" && told != "blocklist" || t.told != "other") {
		typ, outOfScope, ok := typeWord(told)
		if !ok {
			typ = casebook.Other
		}
		s.outOfScope = outOfScope
		s.base.Type = typ
		if !s.fixed {
			s.base.Role = typ.Role()
		}
		t.told = told
	}
	if w := in.Constants["classification.identifier"]; w != "" {
		s.base.Identifier = w
	}
	if w := in.Constants["protocol.application"]; w != "" {
		t.application = w
	}
	if transport, ok := parseTransport([]byte(in.Constants["protocol.transport"])); ok {
		s.base.Transport = transport
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
		// A column that the table's author knew and left alone stays so.
		if fresh || !s.known[fold(c.name)] {
			s.learn(c)
		}
	}
	s.known = withColumns(s.known, names)
	return t
}

// learn adds a column that the schema gives a meaning, behind those that are
// tried first. In reports other than of infected systems the publisher's column
// infection holds a kind of event ("ssh-brute-force"), no malware.
func (s *shape) learn(c column) {
	switch c.key {
	case "time.source":
		s.times = including(s.times, c.name)
	case "source.ip":
		s.assets = includingKind(s.assets, c.name, kindIP)
	case "source.network":
		s.assets = includingKind(s.assets, c.name, kindPrefix)
	case "source.url":
		s.assets = includingKind(s.assets, c.name, kindURL)
	case "source.fqdn":
		s.assets = includingKind(s.assets, c.name, kindDomain)
	case "source.account":
		s.assets = includingKind(s.assets, c.name, kindAccount)
	case "source.port":
		s.ports = including(s.ports, c.name)
	case "destination.ip":
		s.peers = includingKind(s.peers, c.name, kindIP)
	case "destination.port":
		s.peerPorts = including(s.peerPorts, c.name)
	case "protocol.transport":
		s.transports = including(s.transports, c.name)
	case "malware.name":
		if fold(c.name) == "infection" && s.base.Type != casebook.InfectedSystem {
			return
		}
		s.families = including(s.families, c.name)
	case "severity":
		s.severities = including(s.severities, c.name)
	}
}

func including(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(slices.Clone(list), name)
}

func includingKind(list []candidate, name string, k kind) []candidate {
	list = slices.Clone(list)
	for i, c := range list {
		if c.column == name {
			if !slices.Contains(c.kinds, k) {
				list[i].kinds = append(slices.Clone(c.kinds), k)
			}
			return list
		}
	}
	return append(list, candidate{name, []kind{k}})
}
