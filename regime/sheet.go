package regime

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"tocsin/casebook"
)

// sheet is one YAML file before it is a pack: its tree, and on which line each
// part stands.
type sheet struct {
	file  string
	tree  map[string]any
	lines map[string]int // "stages.level1_report.limits.0" → line
	ours  bool           // part of the program: its examples are run by a test
}

const (
	maxLine  = 4000 // octets in a line of a pack
	maxDepth = 24   // brackets within brackets
)

// readSheet reads the text of a pack or of an overlay, strictly: a key that packs
// don't have is a fault.
func readSheet(file string, text []byte) (*sheet, error) {
	if err := bounded(file, text); err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, yamlFault("pack "+file, err)
	}
	if len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil {
		return nil, fmt.Errorf("pack %s: expected one document: %w", file, casebook.ErrInvalid)
	}
	s := &sheet{file: file, lines: map[string]int{}}
	if err := s.index(parsed.Docs[0].Body, ""); err != nil {
		return nil, err
	}
	var p packFile
	if err := yaml.UnmarshalWithOptions(text, &p, yaml.Strict()); err != nil {
		return nil, yamlFault("pack "+file, err)
	}
	if err := yaml.Unmarshal(text, &s.tree); err != nil {
		return nil, yamlFault("pack "+file, err)
	}
	return s, nil
}

// packFile is a pack as it is written: an overlay names the pack it is laid over.
type packFile struct {
	Overlay string `json:"overlay,omitempty"`
	Pack    `yaml:",inline"`
}

// bounded looks at a stranger's text before a parser does.
func bounded(file string, text []byte) error {
	depth, line, width := 0, 1, 0
	for _, c := range text {
		switch c {
		case '\n':
			line, width = line+1, -1
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case 0:
			return fmt.Errorf("pack %s line %d: a NUL octet: %w", file, line, casebook.ErrInvalid)
		}
		if width++; width > maxLine || depth > maxDepth {
			return fmt.Errorf("pack %s line %d: a line of more than %d octets, or more than %d brackets within brackets: %w", file, line, maxLine, maxDepth, casebook.ErrTooLarge)
		}
	}
	return nil
}

// index notes the line of each part. An entry of a list goes by its id, or by its
// place if it has none.
func (s *sheet) index(n ast.Node, at string) error {
	if t := n.GetToken(); t != nil && t.Position != nil {
		s.lines[at] = t.Position.Line
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := s.indexValue(v, at); err != nil {
				return err
			}
		}
	case *ast.MappingValueNode:
		return s.indexValue(n, at)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			if err := s.index(v, join(at, entryName(v, i))); err != nil {
				return err
			}
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return s.fault(at, "packs have no anchors, aliases or tags: write it out")
	}
	return nil
}

func (s *sheet) indexValue(v *ast.MappingValueNode, at string) error {
	if v.Key.IsMergeKey() || v.Value == nil {
		return s.fault(at, "packs have no anchors, aliases or tags: write it out")
	}
	name := join(at, strings.Trim(v.Key.String(), `"'`))
	if err := s.index(v.Value, name); err != nil {
		return err
	}
	s.lines[name] = v.Key.GetToken().Position.Line
	return nil
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func entryName(n ast.Node, i int) string {
	values := []*ast.MappingValueNode{}
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = append(values, n)
	}
	for _, v := range values {
		if key := v.Key.String(); (key == "id") && v.Value != nil {
			return strings.Trim(v.Value.String(), `"'`)
		}
	}
	return strconv.Itoa(i)
}

// fault makes an error of what is wrong at a part, with its line or that of the
// nearest part around it.
func (s *sheet) fault(at, reason string) error {
	line, near := 0, at
	for line == 0 && near != "" {
		if line = s.lines[near]; line == 0 {
			near = near[:max(strings.LastIndexByte(near, '.'), 0)]
		}
	}
	where := ""
	if at != "" {
		where = " " + at + ":"
	}
	return fmt.Errorf("pack %s line %d:%s %s: %w", s.file, max(line, 1), where, reason, casebook.ErrInvalid)
}

// states reports whether the sheet itself has an entry in a list, so that it isn't
// its base's.
func (s *sheet) states(at string) bool { return s.base() == "" || s.lines[at] > 0 }

func (s *sheet) text(key string) string { t, _ := s.tree[key].(string); return t }

// base is the pack that this one is laid over, "" for one that stands alone.
func (s *sheet) base() string {
	if o := s.text("overlay"); o != "" {
		return o
	}
	return s.text("inherits")
}

// waits is the pack that must be there before this one can be taken, "" for none.
func (s *sheet) waits() string { return firstWord(s.base(), s.text("grades_for")) }

// supplies reports whether this sheet must be read before one laid over base.
func (s *sheet) supplies(base string, other *sheet) bool {
	if s.text("overlay") == base {
		// Overlays of one pack are laid in the order of their files.
		return other.text("overlay") != base || s.file < other.file
	}
	return s.text("id") == base
}

// merged lays a tree over another: maps by key, lists of things with an id by
// that id, everything else is replaced.
func merged(base, over any) any {
	switch over := over.(type) {
	case map[string]any:
		under, ok := base.(map[string]any)
		if !ok {
			return over
		}
		out := make(map[string]any, len(under)+len(over))
		for k, v := range under {
			out[k] = v
		}
		for k, v := range over {
			out[k] = merged(under[k], v)
		}
		return out
	case []any:
		under, ok := base.([]any)
		if !ok || !allHaveID(under) || !allHaveID(over) {
			return over
		}
		out := append([]any(nil), under...)
	next:
		for _, v := range over {
			for i, u := range out {
				if idOf(u) == idOf(v) {
					out[i] = merged(u, v)
					continue next
				}
			}
			out = append(out, v)
		}
		return out
	}
	return over
}

func idOf(v any) string {
	m, _ := v.(map[string]any)
	id, _ := m["id"].(string)
	return id
}

func allHaveID(list []any) bool {
	for _, v := range list {
		if idOf(v) == "" {
			return false
		}
	}
	return true
}

// decode makes a pack of a tree, and its digest: the hash of the tree as JSON with
// sorted keys.
func (s *sheet) decode(tree map[string]any) (*Pack, error) {
	canonical, err := json.Marshal(tree)
	if err != nil {
		return nil, s.fault("", err.Error())
	}
	p := new(Pack)
	d := json.NewDecoder(bytes.NewReader(canonical))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, s.fault("", err.Error())
	}
	sum := sha256.Sum256(canonical)
	p.Digest, p.File, p.Canonical = "sha256:"+hex.EncodeToString(sum[:]), s.file, canonical
	return p, nil
}

// build makes a pack of a sheet, laid over its base if it has one, and verifies
// it. One that inherits comes in as many versions as its base has. Every fault
// comes back, each with its line.
func (l *Library) build(s *sheet) ([]*Pack, []error) {
	trees := []map[string]any{s.tree}
	switch {
	case s.text("overlay") != "":
		over, err := s.overlay(l.newest(s.text("overlay")))
		if err != nil {
			return nil, []error{err}
		}
		trees[0] = over
	case s.text("inherits") != "":
		trees = nil
		for _, base := range l.packs[s.text("inherits")] {
			trees = append(trees, merged(base.tree, s.tree).(map[string]any))
		}
	}
	var packs []*Pack
	for _, tree := range trees {
		if s.base() != "" {
			// What the base's examples show needn't hold any more: they are its own.
			if tree["examples"] = s.tree["examples"]; tree["examples"] == nil {
				delete(tree, "examples")
			}
		}
		p, err := s.decode(tree)
		if err != nil {
			return nil, []error{err}
		}
		p.tree = tree
		if faults := l.verify(p, s); len(faults) > 0 {
			return nil, faults
		}
		packs = append(packs, p)
	}
	if s.ours && !l.prove {
		return packs, nil
	}
	return packs, l.examples(packs, s)
}

// overlay lays a site's word over a pack. What it states is confirmed by whom it
// names, from the day it names.
func (s *sheet) overlay(base *Pack) (map[string]any, error) {
	by, _ := s.tree["confirmed_by"].([]any)
	if len(by) == 0 {
		return nil, s.fault("confirmed_by", "missing: an overlay says who confirmed it and when (who, on)")
	}
	first, _ := by[0].(map[string]any)
	on, _ := first["on"].(string)
	if _, err := parseDay(on); err != nil || first["who"] == nil {
		return nil, s.fault("confirmed_by", "expected who, and on as a day such as 2026-12-01")
	}
	over := map[string]any{}
	for k, v := range s.tree {
		if k != "overlay" {
			over[k] = v
		}
	}
	tree := merged(base.tree, over).(map[string]any)
	if _, said := s.tree["in_force"]; !said {
		span, _ := tree["in_force"].(map[string]any)
		tree["in_force"] = merged(span, map[string]any{"from": on})
	}
	return tree, nil
}
