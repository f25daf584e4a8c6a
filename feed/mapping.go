package feed

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a declared zone must mean the same on a machine without a zone database

	"github.com/goccy/go-yaml"

	"tocsin/casebook"
)

// mapping reads a feed that a small YAML file declares; docs/feeds.md explains
// the file. What is declared is the shape of a row and how the text is cut into
// rows.
type mapping struct {
	name  string
	style tableStyle
	json  jsonStyle
	shape shape
}

// mappingFile is the YAML file, key for key.
type mappingFile struct {
	About   string `yaml:"about"`
	GapDays int    `yaml:"gap_days"`
	Input   struct {
		Format    string   `yaml:"format"`
		Delimiter string   `yaml:"delimiter"`
		Comment   string   `yaml:"comment"`
		Columns   []string `yaml:"columns"`
		Records   string   `yaml:"records"`
	} `yaml:"input"`
	Constants struct {
		Type       string  `yaml:"type"`
		Role       string  `yaml:"role"`
		Severity   string  `yaml:"severity"`
		Confidence float64 `yaml:"confidence"`
		TLP        string  `yaml:"tlp"`
		Identifier string  `yaml:"identifier"`
		Family     string  `yaml:"family"`
		Transport  string  `yaml:"transport"`
	} `yaml:"constants"`
	Fields struct {
		ObservedAt struct {
			From oneOrMore `yaml:"from"`
			As   oneOrMore `yaml:"as"`
			Zone string    `yaml:"zone"`
		} `yaml:"observed_at"`
		Asset      []assetColumn `yaml:"asset"`
		Port       oneOrMore     `yaml:"port"`
		Transport  oneOrMore     `yaml:"transport"`
		Peer       []assetColumn `yaml:"peer"`
		PeerPort   oneOrMore     `yaml:"peer_port"`
		Family     oneOrMore     `yaml:"family"`
		Identifier oneOrMore     `yaml:"identifier"`
		Type       oneOrMore     `yaml:"type"`
		Severity   oneOrMore     `yaml:"severity"`
		TLP        oneOrMore     `yaml:"tlp"`
		Confidence struct {
			From  oneOrMore `yaml:"from"`
			OutOf float64   `yaml:"out_of"`
		} `yaml:"confidence"`
	} `yaml:"fields"`
}

type assetColumn struct {
	From string    `yaml:"from"`
	As   oneOrMore `yaml:"as"`
}

// oneOrMore is a text or a list of texts.
type oneOrMore []string

// UnmarshalYAML reads either form.
func (l *oneOrMore) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	var more []string
	if err := unmarshal(&more); err != nil {
		return err
	}
	*l = more
	return nil
}

// parseMapping reads the mapping of a format. file is its name in messages.
func parseMapping(name, file string, data []byte) (Format, error) {
	var in mappingFile
	if err := yaml.UnmarshalWithOptions(data, &in, yaml.Strict()); err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			return Format{}, fmt.Errorf("mapping %s line %d: %s: %w", file, at.GetToken().Position.Line, at.GetMessage(), casebook.ErrInvalid)
		}
		return Format{}, fmt.Errorf("mapping %s: %v: %w", file, err, casebook.ErrInvalid)
	}
	m, err := in.mapping(name)
	if err != nil {
		return Format{}, fmt.Errorf("mapping %s: %w", file, err)
	}
	f := Format{
		Name: name, About: in.About, Version: versionOf(data), GapDays: in.GapDays,
		TLP: m.shape.base.TLP, reader: m,
	}
	switch {
	case f.About == "":
		return Format{}, fmt.Errorf("mapping %s: about: expected a sentence that says what the feed is: %w", file, casebook.ErrInvalid)
	case f.GapDays == 0:
		f.GapDays = 30
	case f.GapDays < 0 || f.GapDays > 3660:
		return Format{}, fmt.Errorf("mapping %s: gap_days: %d, expected 1 to 3660: %w", file, f.GapDays, casebook.ErrInvalid)
	}
	return f, nil
}

func (in *mappingFile) mapping(name string) (*mapping, error) {
	m := &mapping{name: name}
	if err := in.input(m); err != nil {
		return nil, err
	}
	if err := in.constants(&m.shape); err != nil {
		return nil, fmt.Errorf("constants.%w", err)
	}
	if err := in.fields(&m.shape); err != nil {
		return nil, fmt.Errorf("fields.%w", err)
	}
	m.shape.base.Source = name
	return m, nil
}

func (in *mappingFile) input(m *mapping) error {
	switch in.Input.Format {
	case "csv":
		m.style.comma = ','
		switch d := in.Input.Delimiter; {
		case d == "tab":
			m.style.comma = '\t'
		case len(d) == 1 && !strings.Contains("\"\r\n\x00", d):
			m.style.comma = d[0]
		case d != "":
			return fmt.Errorf("input.delimiter: %q, expected one ASCII character or tab: %w", d, casebook.ErrInvalid)
		}
		if len(in.Input.Comment) > 16 || strings.ContainsAny(in.Input.Comment, "\r\n") {
			return fmt.Errorf("input.comment: %q, expected at most 16 characters: %w", in.Input.Comment, casebook.ErrInvalid)
		}
		m.style.comment, m.style.columns = in.Input.Comment, in.Input.Columns
		if len(in.Input.Columns) > maxColumns {
			return fmt.Errorf("input.columns: more than %d: %w", maxColumns, casebook.ErrInvalid)
		}
	case "json-lines":
		m.json.lines = true
	case "json":
		if in.Input.Records != "" {
			m.json.path = strings.Split(in.Input.Records, ".")
		}
		m.json.document = true
	default:
		return fmt.Errorf("input.format: %q, expected csv, json-lines or json: %w", in.Input.Format, casebook.ErrInvalid)
	}
	isCSV := in.Input.Format == "csv"
	if !isCSV && (in.Input.Delimiter != "" || in.Input.Comment != "" || in.Input.Columns != nil) {
		return fmt.Errorf("input: delimiter, comment and columns are for csv only: %w", casebook.ErrInvalid)
	}
	if in.Input.Records != "" && in.Input.Format != "json" {
		return fmt.Errorf("input.records is for json only: %w", casebook.ErrInvalid)
	}
	return nil
}

func (in *mappingFile) constants(s *shape) error {
	c := &in.Constants
	if c.Type != "" {
		typ, outOfScope, ok := typeWord(c.Type)
		if !ok {
			return fmt.Errorf("type: %q is no type of the RSIT taxonomy: %w", c.Type, casebook.ErrInvalid)
		}
		s.base.Type, s.outOfScope = typ, outOfScope
	} else if len(in.Fields.Type) == 0 {
		return fmt.Errorf("type: expected a type of the RSIT taxonomy, or fields.type: %w", casebook.ErrInvalid)
	}
	return in.marks(s)
}

// marks reads the constants that every row carries besides its type.
func (in *mappingFile) marks(s *shape) (err error) {
	c := &in.Constants
	s.base.Role = s.base.Type.Role()
	if c.Role != "" {
		s.fixed = true
		if s.base.Role, err = casebook.ParseRole(c.Role); err != nil {
			return fmt.Errorf("role: %w", err)
		}
	}
	if s.base.Severity, err = casebook.ParseSeverity(c.Severity); err != nil {
		return fmt.Errorf("severity: %w", err)
	}
	if s.base.Transport, err = casebook.ParseTransport(c.Transport); err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	if c.TLP != "" {
		if s.base.TLP, err = casebook.ParseTLP(c.TLP); err != nil {
			return fmt.Errorf("tlp: %w", err)
		}
	}
	if !(c.Confidence >= 0 && c.Confidence <= 1) {
		return fmt.Errorf("confidence: %v, expected 0 to 1: %w", c.Confidence, casebook.ErrInvalid)
	}
	s.base.Confidence = uint16(c.Confidence*1000 + 0.5)
	for _, text := range []string{c.Family, c.Identifier} {
		if text != "" && (len(text) > maxWord || !isPlainText(text)) {
			return fmt.Errorf("family, identifier: %.80q, expected at most %d octets of text: %w", text, maxWord, casebook.ErrInvalid)
		}
	}
	s.base.Family, s.base.Identifier = c.Family, c.Identifier
	return nil
}

// clock reads what fields.observed_at says.
func (in *mappingFile) clock(s *shape) (err error) {
	at := &in.Fields.ObservedAt
	if len(at.From) == 0 {
		return fmt.Errorf("from: expected the column that says when: %w", casebook.ErrInvalid)
	}
	s.times, s.clock.layouts, s.clock.zone = at.From, at.As, time.UTC
	if len(s.clock.layouts) == 0 {
		s.clock.layouts = []string{"rfc3339"}
	}
	for _, layout := range s.clock.layouts {
		if err := checkLayout(layout); err != nil {
			return fmt.Errorf("as: %w", err)
		}
	}
	if at.Zone != "" {
		if s.clock.zone, err = time.LoadLocation(at.Zone); err != nil || at.Zone == "Local" {
			return fmt.Errorf("zone: %q is no zone such as Europe/Berlin: %w", at.Zone, casebook.ErrInvalid)
		}
	}
	return nil
}

func (in *mappingFile) fields(s *shape) (err error) {
	f := &in.Fields
	if err := in.clock(s); err != nil {
		return fmt.Errorf("observed_at.%w", err)
	}
	if len(f.Asset) == 0 {
		return fmt.Errorf("asset: expected the columns that say what the row is about: %w", casebook.ErrInvalid)
	}
	if s.assets, err = assetColumns(f.Asset); err != nil {
		return fmt.Errorf("asset: %w", err)
	}
	if s.peers, err = assetColumns(f.Peer); err != nil {
		return fmt.Errorf("peer: %w", err)
	}
	s.ports, s.peerPorts, s.transports = f.Port, f.PeerPort, f.Transport
	s.families, s.identifiers, s.types = f.Family, f.Identifier, f.Type
	s.severities, s.tlps = f.Severity, f.TLP
	s.confidences, s.scale = f.Confidence.From, f.Confidence.OutOf
	if s.scale == 0 {
		s.scale = 1
	}
	if !(s.scale > 0 && s.scale <= 1e9) {
		return fmt.Errorf("confidence.out_of: %v, expected the number that means certain: %w", s.scale, casebook.ErrInvalid)
	}
	return nil
}

func assetColumns(list []assetColumn) ([]candidate, error) {
	var out []candidate
	for _, c := range list {
		if c.From == "" || len(c.As) == 0 {
			return nil, fmt.Errorf("expected from, a column, and as, what it may be: %w", casebook.ErrInvalid)
		}
		text := c.From
		read, err := candidates([]string{"x/" + strings.Join(c.As, "/")})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		out = append(out, candidate{text, read[0].kinds})
	}
	return out, nil
}

func (m *mapping) reportType(_, explicit string) (string, error) {
	if explicit != "" {
		return "", fmt.Errorf("it has one report type only, %.80q can't be chosen: %w", explicit, casebook.ErrInvalid)
	}
	return "", nil
}

func (m *mapping) source(string) string { return m.name }

func (m *mapping) read(d *delivery) (Result, error) {
	if m.json.lines || m.json.document {
		return d.readJSON(m.json, &m.shape)
	}
	return d.readTable(m.style, &m.shape)
}
