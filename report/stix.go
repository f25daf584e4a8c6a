package report

import (
	"fmt"
	"strings"
	"time"

	"tocsin/casebook"
)

// stixObject is one object of STIX 2.1; fields that an object doesn't have are left
// out.
type stixObject struct {
	Type        string   `json:"type"`
	Spec        string   `json:"spec_version"`
	ID          string   `json:"id"`
	CreatedBy   string   `json:"created_by_ref,omitempty"`
	Created     string   `json:"created,omitempty"`
	Modified    string   `json:"modified,omitempty"`
	Name        string   `json:"name,omitempty"`
	Description string   `json:"description,omitempty"`
	Class       string   `json:"identity_class,omitempty"`
	Types       []string `json:"infrastructure_types,omitempty"`
	IsFamily    *bool    `json:"is_family,omitempty"`
	First       string   `json:"first_observed,omitempty"`
	Last        string   `json:"last_observed,omitempty"`
	Number      int64    `json:"number_observed,omitempty"`
	Relation    string   `json:"relationship_type,omitempty"`
	Source      string   `json:"source_ref,omitempty"`
	Target      string   `json:"target_ref,omitempty"`
	Kinds       []string `json:"report_types,omitempty"`
	Published   string   `json:"published,omitempty"`
	Confidence  *int     `json:"confidence,omitempty"`
	Refs        []string `json:"object_refs,omitempty"`
	Marking     []string `json:"object_marking_refs,omitempty"`
	Labels      []string `json:"labels,omitempty"`
}

type stixBundle struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Objects []any  `json:"objects"`
}

// stixSpace is the namespace of the ids of observables (STIX 2.1, section 2.9).
const stixSpace = "00abedb4-aa42-466c-9c01-fed23315a9b7"

// STIX writes the rows of the form as a STIX 2.1 bundle: the asset of each row as an
// observable, an observed-data that says when and how often, controllers and
// distributors as infrastructure, families as malware, and a report over all of it,
// marked with the TLP 2.0 of the form. An asset that STIX has no observable for
// stands in the report's description. The same form gives the same octets. It gives
// ErrInvalid for an incomplete origin and for a form without rows: STIX has no place
// for it.
func (f Form) STIX(from Origin) ([]byte, error) {
	if err := from.check(); err != nil {
		return nil, fmt.Errorf("STIX: %w", err)
	}
	s := stixWriter{f: f, at: stixTime(f.At), known: map[string]bool{}}
	s.identity = s.id("identity", from.Domain)
	s.mark = stixTLP[f.TLP]
	s.put(stixObject{Type: "identity", ID: s.identity, Name: from.Org, Class: "organization"}, false)
	for _, r := range f.Rows {
		s.row(r)
	}
	if len(s.refs) == 0 {
		return nil, fmt.Errorf("STIX: report of %s has no row with an address, a name, a URL or a file: %w", f.Incident.Text(casebook.IncidentPrefix), casebook.ErrInvalid)
	}
	labels := []string{"stage:" + f.Stage}
	if f.Exercise {
		labels = append(labels, "exercise")
	}
	description := f.Value("description")
	if len(s.left) > 0 {
		description = strings.TrimSpace(description + "\nNot as objects: " + strings.Join(s.left, ", "))
	}
	s.put(stixObject{
		Type: "report", ID: s.id("report", f.Report.Text(casebook.ReportPrefix), fmt.Sprint(f.Version)), Name: f.Subject(English),
		Description: description, Kinds: []string{"threat-report"}, Published: s.at, Refs: s.refs, Labels: labels,
	}, true)
	return marshal(stixBundle{"bundle", "bundle--" + randomLike("bundle", f.Incident.Text(casebook.IncidentPrefix), f.Report.Text(casebook.ReportPrefix), fmt.Sprint(f.Version), s.at), s.objects})
}

// stixTLP are the marking definitions of TLP 2.0 (FIRST; OASIS common objects). A
// reader of STIX knows them by their ids.
var stixTLP = map[casebook.TLP]string{
	casebook.Clear:       "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
	casebook.Green:       "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	casebook.Amber:       "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
	casebook.AmberStrict: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
	casebook.Red:         "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

type stixWriter struct {
	f        Form
	at       string
	identity string
	mark     string
	known    map[string]bool
	refs     []string // of the report
	left     []string // assets without an observable
	objects  []any
}

func (s *stixWriter) id(kind string, names ...string) string {
	return kind + "--" + randomLike(append([]string{kind, s.f.Incident.Text(casebook.IncidentPrefix)}, names...)...)
}

// put adds an object once; domain objects and relationships get their common parts.
func (s *stixWriter) put(o stixObject, ours bool) {
	if s.known[o.ID] {
		return
	}
	s.known[o.ID] = true
	o.Spec = "2.1"
	o.Created, o.Modified, o.Marking = s.at, s.at, []string{s.mark}
	if ours {
		o.CreatedBy = s.identity
	}
	if o.Type != "report" && o.Type != "identity" {
		s.refs = append(s.refs, o.ID)
	}
	s.objects = append(s.objects, o)
}

func (s *stixWriter) row(r Row) {
	observable, id, ok := stixObservable(r.Asset)
	if !ok {
		s.left = append(s.left, r.Asset.String())
		return
	}
	if !s.known[id] {
		s.known[id] = true
		s.objects = append(s.objects, observable)
		s.refs = append(s.refs, id)
	}
	row := fmt.Sprint(r.Number)
	if !r.First.IsZero() && !r.Last.IsZero() {
		seen := stixObject{
			Type: "observed-data", ID: s.id("observed-data", row, id), First: stixTime(r.First), Last: stixTime(r.Last),
			Number: min(max(r.Count, 1), 999_999_999), Refs: []string{id}, Labels: []string{"role:" + r.Role.String()},
		}
		if r.Confidence >= 0 && r.Confidence <= 1 {
			percent := int(r.Confidence*100 + 0.5)
			seen.Confidence = &percent
		}
		s.put(seen, true)
	}
	malware := ""
	if r.Name != "" {
		malware = s.id("malware", strings.ToLower(r.Name))
		family := true
		s.put(stixObject{Type: "malware", ID: malware, Name: r.Name, IsFamily: &family}, true)
	}
	var kind, does string
	switch r.Role {
	case casebook.Controller:
		kind, does = "command-and-control", "controls"
	case casebook.Distributor:
		kind, does = "hosting-malware", "delivers"
	default:
		return
	}
	server := s.id("infrastructure", row, id)
	s.put(stixObject{Type: "infrastructure", ID: server, Name: r.endpoint(), Types: []string{kind}}, true)
	s.relate(server, "consists-of", id)
	if malware != "" {
		s.relate(server, does, malware)
	}
}

func (s *stixWriter) relate(source, how, target string) {
	s.put(stixObject{Type: "relationship", ID: s.id("relationship", source, how, target), Relation: how, Source: source, Target: target}, true)
}

// stixTime writes a moment as STIX does, to the millisecond.
func stixTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
