package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"tocsin/casebook"
)

//go:embed form.schema.json
var schema []byte

// Schema gives the JSON Schema (draft 2020-12) of a form as JSON writes it.
func Schema() []byte { return slices.Clone(schema) }

// maxJSON bounds what ReadJSON reads, in octets.
const maxJSON = 256 << 20

type formJSON struct {
	Kind     string      `json:"kind"`
	Format   int         `json:"format"`
	Report   string      `json:"report,omitempty"`
	Version  int         `json:"version"`
	Corrects int         `json:"corrects,omitempty"`
	Incident string      `json:"incident"`
	Party    string      `json:"party"`
	Regime   string      `json:"regime"`
	Stage    string      `json:"stage"`
	Says     string      `json:"says,omitempty"`
	Article  string      `json:"article,omitempty"`
	Pack     string      `json:"pack,omitempty"`
	Anchor   string      `json:"anchor,omitempty"`
	Started  string      `json:"started,omitempty"`
	Due      string      `json:"due,omitempty"`
	Zone     string      `json:"zone,omitempty"`
	Task     string      `json:"task,omitempty"`
	Late     string      `json:"late_reason,omitempty"`
	TLP      string      `json:"tlp"`
	Exercise bool        `json:"exercise"`
	At       string      `json:"at"`
	To       []Addressee `json:"to"`
	Fields   []Field     `json:"fields"`
	Rows     []rowJSON   `json:"rows"`
}

type rowJSON struct {
	Number     int      `json:"number"`
	Finding    string   `json:"finding,omitempty"`
	AssetKind  string   `json:"asset_kind"`
	Asset      string   `json:"asset"`
	Port       uint16   `json:"port,omitempty"`
	Transport  string   `json:"transport,omitempty"`
	Role       string   `json:"role"`
	Name       string   `json:"name,omitempty"`
	First      string   `json:"first_seen,omitempty"`
	Last       string   `json:"last_seen,omitempty"`
	Count      int64    `json:"count"`
	ASN        uint32   `json:"asn,omitempty"`
	Holder     string   `json:"holder,omitempty"`
	Region     string   `json:"region,omitempty"`
	Confidence *float64 `json:"confidence,omitempty"`
	Evidence   string   `json:"evidence,omitempty"`
}

// JSON writes the form as one JSON object, indented, as Schema describes it. The
// same form gives the same octets.
func (f Form) JSON() ([]byte, error) {
	out := formJSON{
		Kind: "report", Format: 1, Report: idText(f.Report, casebook.ReportPrefix), Version: f.Version, Corrects: f.Corrects,
		Incident: f.Incident.Text(casebook.IncidentPrefix), Party: f.Party, Regime: f.Regime, Stage: f.Stage, Says: f.Says,
		Article: f.Article, Pack: f.Pack, Anchor: f.Anchor, Started: instant(f.Started), Due: instant(f.Due), Zone: f.Zone,
		Task: f.Task, Late: f.Late, TLP: f.TLP.String(), Exercise: f.Exercise, At: instant(f.At),
		To: orEmpty(f.To), Fields: orEmpty(f.Fields), Rows: make([]rowJSON, 0, len(f.Rows)),
	}
	for _, r := range f.Rows {
		out.Rows = append(out.Rows, rowOut(r))
	}
	return marshal(out)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return b.Bytes(), nil
}

func rowOut(r Row) rowJSON {
	out := rowJSON{
		Number: r.Number, Finding: idText(r.Finding, casebook.FindingPrefix), AssetKind: r.Asset.Kind.String(), Asset: r.Asset.String(),
		Port: r.Port, Transport: r.Transport.String(), Role: r.Role.String(), Name: r.Name, First: instant(r.First), Last: instant(r.Last),
		Count: r.Count, ASN: r.ASN, Holder: r.Holder, Region: r.Region, Evidence: r.Evidence,
	}
	if r.Confidence >= 0 {
		out.Confidence = &r.Confidence
	}
	return out
}

// ReadJSON reads what JSON wrote. It gives ErrInvalid, naming the field, for
// anything else, ErrTooLarge above 256 MB, MaxRows rows and MaxFields fields.
func ReadJSON(r io.Reader) (Form, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err != nil {
		return Form{}, fmt.Errorf("report: %w", err)
	}
	if len(text) > maxJSON {
		return Form{}, fmt.Errorf("report of over %d octets: %w", maxJSON, casebook.ErrTooLarge)
	}
	var in formJSON
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&in); err != nil {
		return Form{}, fmt.Errorf("report: %w: %w", err, casebook.ErrInvalid)
	}
	f, err := in.form()
	if err != nil {
		return Form{}, fmt.Errorf("report: %w", err)
	}
	return f, nil
}

func (in formJSON) form() (Form, error) {
	if in.Kind != "report" || in.Format != 1 {
		return Form{}, fmt.Errorf("kind %.40q, format %d: this program reads kind report, format 1: %w", in.Kind, in.Format, casebook.ErrInvalid)
	}
	if len(in.Rows) > MaxRows || len(in.Fields) > MaxFields {
		return Form{}, fmt.Errorf("%d rows and %d fields, at most %d and %d are read: %w", len(in.Rows), len(in.Fields), MaxRows, MaxFields, casebook.ErrTooLarge)
	}
	f := Form{
		Version: in.Version, Corrects: in.Corrects, Party: in.Party, Regime: in.Regime, Stage: in.Stage, Says: in.Says, Article: in.Article,
		Pack: in.Pack, Anchor: in.Anchor, Zone: in.Zone, Task: in.Task, Late: in.Late, Exercise: in.Exercise, To: in.To, Fields: in.Fields,
	}
	var err error
	if in.Report != "" {
		if f.Report, err = casebook.ParseID(casebook.ReportPrefix, in.Report); err != nil {
			return Form{}, fmt.Errorf("report: %w", err)
		}
	}
	if f.Incident, err = casebook.ParseID(casebook.IncidentPrefix, in.Incident); err != nil {
		return Form{}, fmt.Errorf("incident: %w", err)
	}
	if f.TLP, err = casebook.ParseTLP(in.TLP); err != nil {
		return Form{}, fmt.Errorf("tlp: %w", err)
	}
	for _, m := range []struct {
		name, text string
		into       *time.Time
	}{{"started", in.Started, &f.Started}, {"due", in.Due, &f.Due}, {"at", in.At, &f.At}} {
		if *m.into, err = readInstant(m.text); err != nil {
			return Form{}, fmt.Errorf("%s: %w: %w", m.name, err, casebook.ErrInvalid)
		}
	}
	for i, r := range in.Rows {
		row, err := r.row()
		if err != nil {
			return Form{}, fmt.Errorf("rows[%d]: %w", i, err)
		}
		f.Rows = append(f.Rows, row)
	}
	return f, nil
}

func (in rowJSON) row() (Row, error) {
	r := Row{
		Number: in.Number, Port: in.Port, Name: in.Name, Count: in.Count, ASN: in.ASN,
		Holder: in.Holder, Region: in.Region, Confidence: -1, Evidence: in.Evidence,
	}
	if in.Confidence != nil {
		r.Confidence = *in.Confidence
	}
	for column, s := range map[string]string{
		"finding": in.Finding, "asset": in.Asset, "transport": in.Transport, "role": in.Role, "first_seen": in.First, "last_seen": in.Last,
	} {
		if err := r.set(column, s, in.AssetKind); err != nil {
			return Row{}, fmt.Errorf("%s: %w", column, err)
		}
	}
	return r, nil
}
