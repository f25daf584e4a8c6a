package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"tocsin/casebook"
	"tocsin/report"
)

func TestJSONRoundTrip(t *testing.T) {
	f := filed(t)
	f.Late, f.Task, f.Corrects, f.Exercise = "the line was down", "CN-11-2026-000123-05", 1, true
	text := bytesOf(t)(f.JSON())
	got, err := report.ReadJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, f) {
		t.Errorf("got\n%+v\nwant\n%+v", got, f)
	}
	for name, change := range map[string][2]string{
		"an unknown key":       {`"kind"`, `"sort": 1, "kind"`},
		"another format":       {`"format": 1`, `"format": 2`},
		"an incident of none":  {`"incident": "inc_`, `"incident": "fnd_`},
		"a moment of nobody":   {`"at": "2026-03-14T07:10:00Z"`, `"at": "noon"`},
		"an asset of no kind":  {`"asset_kind": "ipv4-addr"`, `"asset_kind": "planet"`},
		"an address of no one": {`"asset": "203.0.113.7"`, `"asset": "203.0.113.777"`},
	} {
		if _, err := report.ReadJSON(strings.NewReader(strings.Replace(string(text), change[0], change[1], 1))); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestJSONKeepsItsSchema(t *testing.T) {
	schema := compile(t, "form.json", func(string) (any, error) {
		return jsonschema.UnmarshalJSON(bytes.NewReader(report.Schema()))
	})
	for _, f := range []report.Form{filed(t), report.Draft(report.Matter{At: at(t, "2026-03-14T07:10:00Z")})} {
		text := bytesOf(t)(f.JSON())
		if err := schema.Validate(instance(t, text)); err != nil {
			t.Error(err)
		}
	}
	bad := strings.Replace(string(bytesOf(t)(filed(t).JSON())), `"version": 1`, `"version": -1`, 1)
	if schema.Validate(instance(t, []byte(bad))) == nil {
		t.Error("version -1 passes")
	}
}

type loader func(url string) (any, error)

func (l loader) Load(url string) (any, error) { return l(url) }

func compile(t *testing.T, url string, load loader) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(load)
	s, err := c.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instance(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sharedSchemas reads the schemas below a folder of the shared data by the last part
// of their names, or skips the test.
func sharedSchemas(t *testing.T, elements ...string) loader {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	dir := filepath.Join(append([]string{root}, elements...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("shared data not found: %s", dir)
	}
	files := map[string]string{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".json") {
			files[filepath.Base(path)] = path
		}
		return err
	})
	return func(url string) (any, error) {
		path, ok := files[url[strings.LastIndex(url, "/")+1:]]
		if !ok {
			return nil, fs.ErrNotExist
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return jsonschema.UnmarshalJSON(f)
	}
}

func TestXARFKeepsItsSchema(t *testing.T) {
	load := sharedSchemas(t, "standards", "xarf", "schemas", "v4")
	f := filed(t)
	compromised := f.Rows[0]
	compromised.Role = casebook.Compromised
	for _, c := range []struct {
		row    report.Row
		schema string
	}{
		{f.Rows[0], "infrastructure-botnet.json"}, {f.Rows[1], "infrastructure-botnet.json"}, {f.Rows[3], "infrastructure-botnet.json"},
		{f.Rows[2], "content-malware.json"}, {compromised, "infrastructure-compromised-server.json"},
	} {
		schema := compile(t, "https://xarf.org/schemas/v4/types/"+c.schema, load)
		text := bytesOf(t)(report.XARF(c.row, origin(), f.At))
		if err := schema.Validate(instance(t, text)); err != nil {
			t.Errorf("row %d: %v\n%s", c.row.Number, err, text)
		}
		var broken map[string]any
		json.Unmarshal(text, &broken)
		delete(broken, "source_identifier")
		if schema.Validate(broken) == nil {
			t.Errorf("%s passes without a source: it tests nothing", c.schema)
		}
	}
}

func TestXARFRefuses(t *testing.T) {
	f := filed(t)
	victim, hash, name := f.Rows[0], f.Rows[0], f.Rows[1]
	victim.Role = casebook.Victim
	hash.Asset, _ = casebook.HashAsset(strings.Repeat("a", 64))
	name.Role = casebook.Distributor
	for what, row := range map[string]report.Row{"a victim": victim, "a file": hash, "a distributor without a URL": name} {
		if text, err := report.XARF(row, origin(), f.At); err == nil {
			t.Errorf("%s was reported: %s", what, text)
		}
	}
	if _, err := report.XARF(f.Rows[0], report.Origin{}, f.At); err == nil {
		t.Error("nobody's report was written")
	}
}

func TestSTIXKeepsItsSchema(t *testing.T) {
	load := sharedSchemas(t, "standards", "stix21", "schemas")
	schema := compile(t, "http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas/common/bundle.json", load)
	f := filed(t)
	hash := f.Rows[0]
	hash.Number, hash.Asset = 5, casebook.Asset{Kind: casebook.FileHash, Name: strings.Repeat("a", 64)}
	f.Rows = append(f.Rows, hash)
	text := bytesOf(t)(f.STIX(origin()))
	if err := schema.Validate(instance(t, text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	var bundle struct{ Objects []map[string]any }
	if err := json.Unmarshal(text, &bundle); err != nil {
		t.Fatal(err)
	}
	ids := map[any]bool{}
	for _, o := range bundle.Objects {
		if ids[o["id"]] {
			t.Errorf("two objects are %v", o["id"])
		}
		ids[o["id"]] = true
		// Each object by its own schema as well: the bundle's is lenient.
		if err := compile(t, "http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas/x/"+o["type"].(string)+".json", load).Validate(map[string]any(o)); err != nil {
			t.Errorf("%v: %v", o["id"], err)
		}
	}
	for _, o := range bundle.Objects {
		for _, key := range []string{"source_ref", "target_ref", "created_by_ref"} {
			if ref := o[key]; ref != nil && !ids[ref] {
				t.Errorf("%v: %s %v isn't in the bundle", o["id"], key, ref)
			}
		}
		refs, _ := o["object_refs"].([]any)
		for _, ref := range refs {
			if !ids[ref] {
				t.Errorf("%v refers to %v, which isn't in the bundle", o["id"], ref)
			}
		}
	}
	f.Rows = nil
	if _, err := f.STIX(origin()); err == nil {
		t.Error("a bundle of nothing was written")
	}
}

// TestSTIXObservableID is the example of the standard's own library: what two saw has
// one id.
func TestSTIXObservableID(t *testing.T) {
	f := filed(t)
	f.Rows = f.Rows[:1]
	f.Rows[0].Asset = addr("198.51.100.3")
	if text := bytesOf(t)(f.STIX(origin())); !bytes.Contains(text, []byte(`"ipv4-addr--`)) {
		t.Errorf("got %s", text)
	}
	again := filed(t)
	again.Incident, again.Rows = id(77), f.Rows
	pick := func(text []byte) string {
		i := bytes.Index(text, []byte("ipv4-addr--"))
		return string(text[i : i+47])
	}
	if a, b := pick(bytesOf(t)(f.STIX(origin()))), pick(bytesOf(t)(again.STIX(origin()))); a != b || a[25] != '5' {
		t.Errorf("one address is %s and %s", a, b)
	}
}

// iodefOrder are the children of the classes of RFC 7970 that are written, in the order of
// its schema (section 8).
var iodefOrder = map[string][]string{
	"IODEF-Document": {"Incident", "AdditionalData"},
	"Incident": {"IncidentID", "AlternativeID", "RelatedActivity", "DetectTime", "StartTime", "EndTime", "RecoveryTime", "ReportTime", "GenerationTime",
		"Description", "Discovery", "Assessment", "Method", "Contact", "EventData", "Indicator", "History", "AdditionalData"},
	"AlternativeID": {"IncidentID"},
	"Assessment":    {"IncidentCategory", "SystemImpact", "BusinessImpact", "TimeImpact", "MonetaryImpact", "IntendedImpact", "Counter", "MitigatingFactor", "Cause", "Confidence", "AdditionalData"},
	"SystemImpact":  {"Description"},
	"Contact":       {"ContactName", "ContactTitle", "Description", "RegistryHandle", "PostalAddress", "Email", "Telephone", "Timezone", "Contact", "AdditionalData"},
	"Telephone":     {"TelephoneNumber", "Description"},
	"EventData": {"Description", "DetectTime", "StartTime", "EndTime", "RecoveryTime", "ReportTime", "Contact", "Discovery", "Assessment", "Method", "System", "Flow",
		"Expectation", "Record", "EventData", "AdditionalData"},
	"Flow":       {"System"},
	"System":     {"Node", "NodeRole", "Service", "OperatingSystem", "Counter", "AssetID", "Description", "AdditionalData"},
	"Node":       {"DomainData", "Address", "PostalAddress", "Location", "Counter"},
	"DomainData": {"Name", "DateDomainWasChecked", "RegistrationDate", "ExpirationDate", "RelatedDNS", "Nameservers", "DomainContacts"},
	"NodeRole":   {"Description"},
	"Service":    {"ServiceName", "Port", "Portlist", "ProtoCode", "ProtoType", "ProtoField", "ApplicationHeaderField", "EmailData", "Application"},
}

// iodefNeeds are the attributes that a class must have, and its children that it
// can't be without.
var iodefNeeds = map[string][]string{
	"IODEF-Document": {"@version", "Incident"}, "Incident": {"@purpose", "IncidentID", "GenerationTime", "Contact"}, "IncidentID": {"@name"},
	"Contact": {"@role", "@type"}, "SystemImpact": {"@type"}, "Flow": {"System"}, "System": {"Node"}, "Address": {"@category"},
	"DomainData": {"@system-status", "@domain-status", "Name"}, "NodeRole": {"@category"}, "Counter": {"@type", "@unit"}, "AdditionalData": {"@dtype"},
}

func TestIODEFKeepsItsStructure(t *testing.T) {
	f := filed(t)
	text := written(t, func(b *bytes.Buffer) error { return f.IODEF(b, origin(), report.English) })
	type frame struct {
		name string
		at   int
		has  map[string]bool
	}
	var open []*frame
	systems := 0
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Space != "urn:ietf:params:xml:ns:iodef-2.0" {
				t.Fatalf("%s is of %q", e.Name.Local, e.Name.Space)
			}
			if e.Name.Local == "System" {
				systems++
			}
			if len(open) > 0 {
				p := open[len(open)-1]
				i := slices.Index(iodefOrder[p.name], e.Name.Local)
				if i < p.at {
					t.Errorf("%s stands in %s where RFC 7970 has none", e.Name.Local, p.name)
				}
				p.at = i
				p.has[e.Name.Local] = true
			}
			in := &frame{name: e.Name.Local, has: map[string]bool{}}
			for _, a := range e.Attr {
				in.has["@"+a.Name.Local] = true
			}
			open = append(open, in)
		case xml.EndElement:
			p := open[len(open)-1]
			open = open[:len(open)-1]
			for _, need := range iodefNeeds[p.name] {
				if !p.has[need] {
					t.Errorf("%s is without %s", p.name, need)
				}
			}
		}
	}
	if systems != len(f.Rows) {
		t.Errorf("%d systems of %d rows", systems, len(f.Rows))
	}
	if err := f.IODEF(io.Discard, report.Origin{Org: "x"}, report.English); err == nil {
		t.Error("a document of nobody was written")
	}
}

// anyRow draws a row with whatever a source may say.
func anyRow(t *rapid.T) report.Row {
	assets := []casebook.Asset{addr("203.0.113.7"), addr("2001:db8::1"), {Kind: casebook.DomainName, Name: "c2.example.net"}, {Kind: casebook.URL, Name: "http://example.org/=1+1"}}
	name := rapid.StringOf(rapid.RuneFrom([]rune("ab =+-@'\"',;\t＝木马#"))).Draw(t, "name")
	first := rapid.Int64Range(0, 1<<51).Draw(t, "first")
	return report.Row{
		Number: rapid.IntRange(1, 9).Draw(t, "number"), Asset: rapid.SampledFrom(assets).Draw(t, "asset"), Port: rapid.Uint16().Draw(t, "port"),
		Role: casebook.Role(rapid.IntRange(0, 7).Draw(t, "role")), Name: name, Holder: name + "x", Evidence: "'" + name,
		First: time.UnixMicro(first).UTC(), Count: rapid.Int64Range(0, 1<<40).Draw(t, "count"), ASN: rapid.Uint32().Draw(t, "asn"),
		Confidence: rapid.SampledFrom([]float64{-1, 0, 0.5, 0.123456789, 1}).Draw(t, "confidence"),
	}
}

func TestRowsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(anyRow), 1, 5).Draw(t, "rows")
		var b bytes.Buffer
		if err := report.WriteRows(&b, rows); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(b.String(), "\r\n") {
			for _, cell := range strings.Split(line, ",") {
				if cell = strings.TrimLeft(strings.Trim(cell, `"`), " "); cell != "" && strings.ContainsRune("=+-@＝", []rune(cell)[0]) && !strings.Contains(line, `"`) {
					t.Fatalf("a spreadsheet would reckon %q", cell)
				}
			}
		}
		got, err := report.ReadRows(&b)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, rows) {
			t.Fatalf("got\n%+v\nwant\n%+v", got, rows)
		}
	})
}

func FuzzReadRows(f *testing.F) {
	var b bytes.Buffer
	if err := report.WriteRows(&b, []report.Row{{Number: 1, Asset: addr("203.0.113.7"), Port: 1}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := report.ReadRows(bytes.NewReader(text))
		if err == nil && len(rows) > report.MaxRows {
			t.Fatalf("%d rows", len(rows))
		}
	})
}

func FuzzReadJSON(f *testing.F) {
	text, err := report.Form{Fields: []report.Field{{ID: "harm", Value: "x"}}, Rows: []report.Row{{Number: 1, Asset: addr("203.0.113.7"), Confidence: -1}}}.JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		form, err := report.ReadJSON(bytes.NewReader(text))
		if err != nil {
			return
		}
		once, err := form.JSON()
		if err != nil {
			t.Fatal(err)
		}
		again, err := report.ReadJSON(bytes.NewReader(once))
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if twice, _ := again.JSON(); !bytes.Equal(once, twice) {
			t.Fatalf("got\n%s\nwant\n%s", twice, once)
		}
	})
}
