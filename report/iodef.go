package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"tocsin/casebook"
)

// The classes of IODEF version 2 (RFC 7970) that a filing needs, each with its
// children in the order in which the RFC has them.
type (
	iodefDocument struct {
		XMLName  xml.Name      `xml:"urn:ietf:params:xml:ns:iodef-2.0 IODEF-Document"`
		Version  string        `xml:"version,attr"`
		Lang     string        `xml:"xml:lang,attr"`
		Incident iodefIncident `xml:"Incident"`
	}
	iodefIncident struct {
		Purpose     string            `xml:"purpose,attr"`
		Restriction string            `xml:"restriction,attr"`
		ID          iodefID           `xml:"IncidentID"`
		Alternative *iodefAlternative `xml:"AlternativeID,omitempty"`
		Detect      string            `xml:"DetectTime,omitempty"`
		Start       string            `xml:"StartTime,omitempty"`
		Report      string            `xml:"ReportTime,omitempty"`
		Generation  string            `xml:"GenerationTime"`
		Description []string          `xml:"Description"`
		Assessment  *iodefAssessment  `xml:"Assessment"`
		Contact     []iodefContact    `xml:"Contact"`
		Event       []iodefEvent      `xml:"EventData"`
		Additional  []iodefExtra      `xml:"AdditionalData"`
	}
	iodefID struct {
		Name string `xml:"name,attr"`
		Text string `xml:",chardata"`
	}
	iodefAlternative struct {
		ID []iodefID `xml:"IncidentID"`
	}
	iodefAssessment struct {
		Occurrence string      `xml:"occurrence,attr"`
		Impact     iodefImpact `xml:"SystemImpact"`
	}
	iodefImpact struct {
		Type        string `xml:"type,attr"`
		Description string `xml:"Description,omitempty"`
	}
	iodefContact struct {
		Role  string      `xml:"role,attr"`
		Type  string      `xml:"type,attr"`
		Name  string      `xml:"ContactName"`
		Phone *iodefPhone `xml:"Telephone,omitempty"`
	}
	iodefPhone struct {
		Number string `xml:"TelephoneNumber"`
	}
	iodefEvent struct {
		Start string    `xml:"StartTime,omitempty"`
		End   string    `xml:"EndTime,omitempty"`
		Flow  iodefFlow `xml:"Flow"`
	}
	iodefFlow struct {
		System iodefSystem `xml:"System"`
	}
	iodefSystem struct {
		Category    string        `xml:"category,attr"`
		Node        iodefNode     `xml:"Node"`
		Role        *iodefRole    `xml:"NodeRole,omitempty"`
		Service     *iodefService `xml:"Service,omitempty"`
		Counter     *iodefCounter `xml:"Counter,omitempty"`
		Description []string      `xml:"Description"`
		Additional  []iodefExtra  `xml:"AdditionalData"`
	}
	iodefNode struct {
		Domain  *iodefDomain  `xml:"DomainData,omitempty"`
		Address *iodefAddress `xml:"Address,omitempty"`
	}
	iodefDomain struct {
		System string `xml:"system-status,attr"`
		Domain string `xml:"domain-status,attr"`
		Name   string `xml:"Name"`
	}
	iodefAddress struct {
		Category string `xml:"category,attr"`
		Text     string `xml:",chardata"`
	}
	iodefRole struct {
		Category string `xml:"category,attr"`
		Ext      string `xml:"ext-category,attr,omitempty"`
	}
	iodefService struct {
		Protocol string `xml:"ip-protocol,attr,omitempty"`
		Port     uint16 `xml:"Port"`
	}
	iodefCounter struct {
		Type string `xml:"type,attr"`
		Unit string `xml:"unit,attr"`
		Text int64  `xml:",chardata"`
	}
	iodefExtra struct {
		Type    string `xml:"dtype,attr"`
		Meaning string `xml:"meaning,attr"`
		Text    string `xml:",chardata"`
	}
)

// Origin is who stands behind a message to other programs.
type Origin struct {
	Org     string // its name
	Domain  string // its domain name: names of incidents are unique within it (RFC 7970, section 3.4)
	Contact string // mail address
}

func (o Origin) check() error {
	if o.Org == "" || o.Domain == "" || !strings.Contains(o.Contact, "@") {
		return fmt.Errorf("origin needs the organisation's name, its domain and a mail address: %w", casebook.ErrInvalid)
	}
	return nil
}

// IODEF writes the form as an IODEF document, version 2 (RFC 7970): an Incident for
// reporting, an EventData for each row whose asset IODEF has a place for, every field
// that says something as AdditionalData under its id. Values that are trade secrets
// are written: give f.Open() where they must not leave. It gives ErrInvalid for an
// incomplete origin.
func (f Form) IODEF(w io.Writer, from Origin, lang Lang) error {
	if err := from.check(); err != nil {
		return fmt.Errorf("IODEF: %w", err)
	}
	i := iodefIncident{
		Purpose: "reporting", Restriction: iodefRestriction(f.TLP),
		ID:         iodefID{from.Domain, f.Incident.Text(casebook.IncidentPrefix)},
		Start:      iodefTime(firstSeen(f.Rows)),
		Report:     iodefTime(f.At),
		Generation: iodefTime(f.At),
	}
	if f.Exercise {
		i.Description = append(i.Description, exerciseMark.In(lang))
	}
	i.Description = append(i.Description, xmlText(f.Subject(lang)))
	if said := f.Value("description"); said != "" {
		i.Description = append(i.Description, xmlText(said))
	}
	if !f.Report.IsZero() {
		i.Alternative = &iodefAlternative{[]iodefID{{from.Domain, f.Report.Text(casebook.ReportPrefix)}}}
	}
	impact := iodefImpact{Type: "unknown", Description: xmlText(f.Value("harm"))}
	i.Assessment = &iodefAssessment{Occurrence: "actual", Impact: impact}
	creator := iodefContact{Role: "creator", Type: "organization", Name: xmlText(from.Org)}
	i.Contact = []iodefContact{creator}
	if filler := f.Value("filler"); filler != "" {
		c := iodefContact{Role: "irt", Type: "person", Name: xmlText(filler)}
		if phone := f.Value("phone"); phone != "" {
			c.Phone = &iodefPhone{xmlText(phone)}
		}
		i.Contact = append(i.Contact, c)
	}
	for _, r := range f.Rows {
		if event, ok := iodefRow(r); ok {
			i.Event = append(i.Event, event)
		} else {
			i.Additional = append(i.Additional, iodefExtra{"string", fmt.Sprintf("row %d: %s", r.Number, r.Asset.Kind), xmlText(r.Asset.String())})
		}
	}
	for _, field := range f.Fields {
		if !field.Empty() {
			i.Additional = append(i.Additional, iodefExtra{"string", field.ID, xmlText(field.Value)})
		}
	}
	return writeXML(w, iodefDocument{Version: "2.00", Lang: lang.Tag(), Incident: i})
}

func writeXML(w io.Writer, v any) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write XML: %w", err)
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write XML: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("write XML: %w", err)
	}
	return nil
}

// xmlText drops what XML 1.0 can't carry.
func xmlText(s string) string { return clean(s) }

func iodefTime(t time.Time) string { return instant(t) }

func firstSeen(rows []Row) (first time.Time) {
	for _, r := range rows {
		if !r.First.IsZero() && (first.IsZero() || r.First.Before(first)) {
			first = r.First
		}
	}
	return first
}

// iodefRestriction gives the value of RFC 7970, section 3.3.1, that is nearest to a
// label of TLP, never a milder one.
func iodefRestriction(t casebook.TLP) string {
	switch t {
	case casebook.Clear:
		return "white"
	case casebook.Green:
		return "green"
	case casebook.Amber:
		return "amber"
	}
	return "red"
}

func iodefRow(r Row) (iodefEvent, bool) {
	s := iodefSystem{Category: "source"}
	switch r.Asset.Kind {
	case casebook.IPv4Addr, casebook.IPv6Addr:
		s.Node.Address = &iodefAddress{r.Asset.Kind.String(), r.Asset.String()}
	case casebook.IPv4Prefix:
		s.Node.Address = &iodefAddress{"ipv4-net", r.Asset.String()}
	case casebook.IPv6Prefix:
		s.Node.Address = &iodefAddress{"ipv6-net", r.Asset.String()}
	case casebook.URL:
		s.Node.Address = &iodefAddress{"site-uri", xmlText(r.Asset.String())}
	case casebook.DomainName:
		s.Node.Domain = &iodefDomain{System: "unknown", Domain: "unknown", Name: r.Asset.Name}
	case casebook.EmailAddr:
		s.Node.Address = &iodefAddress{"e-mail", xmlText(r.Asset.Name)}
	default:
		return iodefEvent{}, false
	}
	switch r.Role {
	case casebook.Controller:
		s.Role = &iodefRole{Category: "c2-server"}
	case casebook.Distributor:
		s.Role = &iodefRole{Category: "malware-distribution"}
	case casebook.Bot:
		s.Role = &iodefRole{Category: "ext-value", Ext: "bot"}
	case casebook.Victim, casebook.Exposed, casebook.Compromised:
		s.Category = "target"
	}
	if r.Port != 0 {
		s.Service = &iodefService{Protocol: protocol(r.Transport), Port: r.Port}
	}
	if r.Count > 0 {
		s.Counter = &iodefCounter{Type: "count", Unit: "event", Text: r.Count}
	}
	if r.Name != "" {
		s.Description = []string{xmlText(r.Name)}
	}
	for _, extra := range []struct{ meaning, text string }{
		{"row", fmt.Sprint(r.Number)}, {"finding", idText(r.Finding, casebook.FindingPrefix)},
		{"asn", number(int64(r.ASN))}, {"holder", r.Holder}, {"region", r.Region}, {"evidence", r.Evidence},
	} {
		if extra.text != "" {
			s.Additional = append(s.Additional, iodefExtra{"string", extra.meaning, xmlText(extra.text)})
		}
	}
	return iodefEvent{Start: iodefTime(r.First), End: iodefTime(r.Last), Flow: iodefFlow{s}}, true
}

// protocol gives the number of a transport in IANA's registry, "" where none is known.
func protocol(t casebook.Transport) string {
	switch t {
	case casebook.ICMP:
		return "1"
	case casebook.TCP:
		return "6"
	case casebook.UDP:
		return "17"
	case casebook.SCTP:
		return "132"
	}
	return ""
}
