package feed

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"tocsin/casebook"
)

// shadowserver reads the network reports of the Shadowserver Foundation: one
// CSV a report type and day, named 2026-11-23-event4_sinkhole-xx-geo.csv. The
// report types are a table, not code.
type shadowserver struct {
	types map[string]shadowType
}

// codeVersion changes when our own reading changes so that the same bytes give
// other observations.
const codeVersion = 2

var builtinShadow = sync.OnceValue(func() map[string]shadowType {
	types, err := parseShadowTable(shadowTable, shadowColumns)
	if err != nil {
		panic(err) // the table is part of the program, and a test reads it
	}
	return types
})

func shadowFormat(types map[string]shadowType, site ...[]byte) Format {
	return Format{
		Name:    "shadowserver",
		About:   fmt.Sprintf("network reports of the Shadowserver Foundation: %d report types, CSV, the type told by the file name", len(types)),
		Version: versionOf(append([][]byte{[]byte(shadowTable), []byte(shadowColumns)}, site...)...),
		GapDays: 30,
		TLP:     casebook.Amber,
		reader:  shadowserver{types},
	}
}

var (
	datedName = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}-([a-z0-9_]{1,64})[-.]`)
	bareName  = regexp.MustCompile(`^([a-z0-9_]{1,64})(?:-|\.csv|\.zip|$)`)
	typeName  = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
)

func (s shadowserver) reportType(fileName, explicit string) (string, error) {
	if explicit != "" {
		t := fold(explicit)
		if !typeName.MatchString(t) {
			return "", fmt.Errorf("report type %.80q: expected letters, digits and underscores, such as event4_sinkhole: %w", explicit, casebook.ErrInvalid)
		}
		return s.canonical(t), nil
	}
	base := fold(fileName[strings.LastIndexAny(fileName, `/\`)+1:])
	if m := datedName.FindStringSubmatch(base); m != nil {
		return s.canonical(m[1]), nil
	}
	if m := bareName.FindStringSubmatch(base); m != nil {
		if t := s.canonical(m[1]); s.types[t].name != "" {
			return t, nil
		}
	}
	return "", fmt.Errorf("the file name %.80q doesn't tell the report type: expected a name such as 2026-11-23-event4_sinkhole-xx-geo.csv or event4_sinkhole.csv.gz, or tell the type: %w", fileName, casebook.ErrInvalid)
}

// canonical gives the name under which the table has a report type. The
// publisher's schema says event_ where its file names say event4_.
func (s shadowserver) canonical(name string) string {
	if rest, ok := strings.CutPrefix(name, "event_"); ok && s.types[name].name == "" && s.types["event4_"+rest].name != "" {
		return "event4_" + rest
	}
	return name
}

func (s shadowserver) source(reportType string) string { return "shadowserver/" + reportType }

func (s shadowserver) read(d *delivery) (Result, error) {
	if !typeName.MatchString(d.reportType) {
		return Result{}, fmt.Errorf("report type %.80q: expected one such as event4_sinkhole: %w", d.reportType, casebook.ErrInvalid)
	}
	name := s.canonical(d.reportType)
	t, ok := s.types[name]
	if !ok {
		t.shape = unknownShape(name)
		d.warnings.add("report type %q is in no table: its rows are taken as RSIT type other", name)
	}
	t.shape.base.Source = s.source(name)
	t.shape.base.TLP = d.format.TLP
	return d.readTable(tableStyle{comma: ','}, &t.shape)
}

// ReportType describes one report type of a format that has several.
type ReportType struct {
	Name        string
	Type        casebook.Type
	Role        casebook.Role
	Severity    casebook.Severity // of rows that tell none
	Confidence  uint16            // 0 to 1000 for 0 to 1
	Identifier  string            // of rows that tell none
	Application string            // the application protocol the report is about, "" if none or several
}

// ReportTypes lists the report types that are known, sorted by name; nil for a
// format that has only one.
func (f Format) ReportTypes() []ReportType {
	s, ok := f.reader.(shadowserver)
	if !ok {
		return nil
	}
	list := make([]ReportType, 0, len(s.types))
	for _, name := range slices.Sorted(maps.Keys(s.types)) {
		t := s.types[name]
		list = append(list, ReportType{
			Name: name, Type: t.shape.base.Type, Role: t.shape.base.Role, Severity: t.shape.base.Severity,
			Confidence: t.shape.base.Confidence, Identifier: t.shape.base.Identifier, Application: t.application,
		})
	}
	return list
}
