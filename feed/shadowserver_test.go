package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/casebook"
)

func TestTheReportTypeIsToldByTheFileName(t *testing.T) {
	f := format(t, "shadowserver")
	cases := []struct{ file, explicit, want string }{
		{"2026-11-23-event4_sinkhole-xx-geo.csv", "", "event4_sinkhole"},
		{"2026-11-23-event4_sinkhole-xx-geo.csv.gz", "", "event4_sinkhole"},
		{"2026-11-23-event4_sinkhole-123-sample-asn.csv.zip", "", "event4_sinkhole"},
		{"/inbox/2026-11-23-scan_ics-sample-asn-delayed.csv", "", "scan_ics"},
		{`C:\inbox\2026-11-23-scan_ics.csv`, "", "scan_ics"},
		{"2026-11-23-brand_new-xx.csv", "", "brand_new"},
		{"event4_sinkhole.csv", "", "event4_sinkhole"},
		{"event4_sinkhole.csv.xz", "", "event4_sinkhole"},
		{"Scan_SSH.CSV", "", "scan_ssh"},
		{"event_sinkhole.csv", "", "event4_sinkhole"},
		{"mail-attachment.bin", "Event_Sinkhole", "event4_sinkhole"},
		{"whatever", "brand_new", "brand_new"},
		{"2026-11-23-scan_ssh-xx.csv", "scan_ftp", "scan_ftp"},
	}
	for _, tc := range cases {
		got, err := f.ReportType(tc.file, tc.explicit)
		if err != nil || got != tc.want {
			t.Errorf("%q %q: got %q, %v, want %q", tc.file, tc.explicit, got, err, tc.want)
		}
	}
	for _, file := range []string{"", "report.csv", "day.csv.gz", "2026-11-23.csv", "2026-11-23-.csv", "nobody_knows.csv"} {
		if got, err := f.ReportType(file, ""); !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), "2026-11-23-event4_sinkhole-xx-geo.csv") {
			t.Errorf("%q: got %q, %v, want ErrInvalid that shows a good name", file, got, err)
		}
	}
	if got, err := f.ReportType("x.csv", "../etc"); !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("got %q, %v, want ErrInvalid", got, err)
	}
	if got := f.Source("event4_sinkhole"); got != "shadowserver/event4_sinkhole" {
		t.Errorf("got source %q", got)
	}
}

func TestTheTableHasThePublishersFacts(t *testing.T) {
	data, err := os.ReadFile(shared(t, "feeds/shadowserver-schema/intelmq.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]schemaType
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	severities := defaultSeverities(t)
	names := shadowserver{builtinShadow()}
	for key, published := range schema {
		if key == "_meta" {
			continue
		}
		ours, ok := builtinShadow()[names.canonical(key)]
		if !ok || ours.name != published.FileName {
			t.Errorf("%s: the table has %q", key, ours.name)
			continue
		}
		told := strings.Replace(published.Constants["classification.type"], "blacklist", "other", 1)
		if told != "" && told != ours.told {
			t.Errorf("%s: type: got %s, published %s", key, ours.told, told)
		}
		if want := published.Constants["classification.identifier"]; want != "" && want != ours.shape.base.Identifier {
			t.Errorf("%s: identifier: got %s, published %s", key, ours.shape.base.Identifier, want)
		}
		if want := published.Constants["protocol.transport"]; want != ours.shape.base.Transport.String() {
			t.Errorf("%s: transport: got %s, published %s", key, ours.shape.base.Transport, want)
		}
		if got := ours.severity.String(); got != severities[ours.name] {
			t.Errorf("%s: severity: got %s, published %s", key, got, severities[ours.name])
		}
		columns, err := published.columns()
		if err != nil {
			t.Fatal(err)
		}
		b := bind(&ours.shape)
		for _, c := range columns {
			b.add(c.name)
			if !ours.shape.known[fold(c.name)] {
				t.Errorf("%s: column %s is not known", key, c.name)
			}
		}
		if lack := b.missing(); lack != "" {
			t.Errorf("%s: with the published columns there is %s", key, lack)
		}
	}
	if got := len(format(t, "shadowserver").ReportTypes()); got < 171 {
		t.Errorf("the table has %d types, the publisher 170 and we one more", got)
	}
}

// defaultSeverities reads the publisher's table of them.
func defaultSeverities(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile(shared(t, "feeds/shadowserver-schema/types.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if part := strings.Split(line, "|"); len(part) > 4 {
			found[strings.TrimSpace(part[1])] = strings.TrimSpace(part[3])
		}
	}
	return found
}

// TestEverySampleRowIsTakenOrRefusedWithATrueReason walks the publisher's
// samples. What is refused is listed here, so that a row lost is seen.
func TestEverySampleRowIsTakenOrRefusedWithATrueReason(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "feeds/intelmq-shadowserver-3.2.1"), "*.csv"))
	if err != nil || len(files) != 93 {
		t.Fatalf("got %d samples, %v, want 93", len(files), err)
	}
	short := func(name string, lines ...int64) (bad []string) {
		for _, line := range lines {
			bad = append(bad, fmt.Sprintf("%s line %d: the row has too few fields", name, line))
		}
		return bad
	}
	want := slices.Concat(
		short("event4_honeypot_ddos.csv", 2, 3, 4), // each ends before http_agent
		[]string{"event4_honeypot_ddos_amp.csv line 6: src_ip"},
		short("event4_microsoft_sinkhole.csv", 7),
		short("scan_rdp.csv", 2, 3), // each ends before jarm
		short("scan_synfulknock.csv", 4),
	)
	var got, warned []string
	taken := 0
	f := format(t, "shadowserver")
	for _, file := range files {
		name := filepath.Base(file)
		reportType, err := f.ReportType(name, "")
		if err != nil {
			t.Fatal(err)
		}
		body, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, f, reportType, body)
		body.Close()
		if r.err != nil || r.result.Rows == 0 {
			t.Errorf("%s: %d rows, %v", name, r.result.Rows, r.err)
		}
		taken += len(r.keys)
		for _, line := range r.lines {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: %s is no JSON", name, line)
			}
		}
		for _, bad := range r.refused {
			switch {
			case strings.Contains(bad.Reason, "fields, the header has"):
				got = append(got, short(name, bad.Line)...)
			default:
				got = append(got, fmt.Sprintf("%s line %d: %s", name, bad.Line, bad.Field))
			}
		}
		for _, w := range r.result.Warnings {
			warned = append(warned, name+": "+w)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("refused:\ngot  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	if taken != 641 {
		t.Errorf("got %d rows taken, want 641", taken)
	}
	if len(warned) != 1 || !strings.HasPrefix(warned[0], `event4_sinkhole.csv: column "dst_ip"`) {
		t.Errorf("got warnings %q, want one about dst_ip in event4_sinkhole.csv", warned)
	}
}

// TestAnotherParsersEventsAgree compares with what IntelMQ's own tests expect.
func TestAnotherParsersEventsAgree(t *testing.T) {
	cases := []struct{ raw, events, reportType string }{
		{"shadowserver.report_smb.EXAMPLE_REPORT.raw", "shadowserver.report_smb.expected_events.json", "scan_smb"},
		{"shadowserver.report_telnet.EXAMPLE_REPORT.raw", "shadowserver.report_telnet.expected_events.json", "scan_telnet"},
		{"shadowserver.parameters.EXAMPLE_REPORT.raw", "shadowserver.parameters.expected_events.json", "scan_smb"},
	}
	for _, tc := range cases {
		text, err := os.ReadFile(shared(t, "feeds/intelmq-parser-cases/"+tc.raw))
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(shared(t, "feeds/intelmq-parser-cases/"+tc.events))
		if err != nil {
			t.Fatal(err)
		}
		type event struct {
			IP        string    `json:"source.ip"`
			Port      int       `json:"source.port"`
			At        time.Time `json:"time.source"`
			Type      string    `json:"classification.type"`
			Taxonomy  string    `json:"classification.taxonomy"`
			Transport string    `json:"protocol.transport"`
			City      string    `json:"source.geolocation.city"`
		}
		var want, got []event
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		for _, line := range readText(t, "shadowserver", tc.reportType, string(text)).lines {
			var o struct {
				Asset, Type, Class, Transport string
				Port                          int
				At                            time.Time `json:"observed_at"`
				Extra                         struct{ City string }
			}
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			got = append(got, event{o.Asset, o.Port, o.At, o.Type, o.Class, o.Transport, o.Extra.City})
		}
		for i := range want {
			want[i].At = want[i].At.UTC()
		}
		if len(want) == 1 { // the case lists only the first event
			got = got[:1]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", tc.raw, got, want)
		}
	}
}

func TestAReportTypeNobodyKnowsIsTakenAsOther(t *testing.T) {
	r := readText(t, "shadowserver", "brand_new", "timestamp,url,novelty\n2026-11-23 00:00:00,http://EXAMPLE.net/a b,x\n")
	want := `"source":"shadowserver/brand_new","class":"other","type":"other","role":"other","severity":"","confidence":0.5,"tlp":"AMBER",` +
		`"identifier":"brand_new","asset_kind":"url","asset":"http://example.net/a%20b"`
	if len(r.lines) != 1 || !strings.Contains(r.lines[0], want) {
		t.Errorf("got %s %v, want … %s", r.lines, r.err, want)
	}
	if len(r.result.Warnings) != 1 || !strings.Contains(r.result.Warnings[0], "brand_new") {
		t.Errorf("got warnings %q, want one", r.result.Warnings)
	}
}

func TestAWebshellTurnsAVulnerableServerIntoACompromisedOne(t *testing.T) {
	r := readText(t, "shadowserver", "scan_exchange", "timestamp,ip,port,tag\n"+
		"2026-11-23 00:00:00,192.0.2.1,443,exchange;cve-2021-26855\n2026-11-23 00:00:00,192.0.2.1,443,exchange;webshell\n")
	want := []string{
		`"type":"vulnerable-system","role":"exposed","severity":"critical","confidence":0.8,"tlp":"AMBER","identifier":"vulnerable-exchange-server"`,
		`"type":"system-compromise","role":"compromised","severity":"critical","confidence":0.8,"tlp":"AMBER","identifier":"exchange-server-webshell"`,
	}
	for i, w := range want {
		if i >= len(r.lines) || !strings.Contains(r.lines[i], w) {
			t.Errorf("got %s, want … %s", r.lines, w)
		}
	}
}

const siteSchema = `{
  "_meta": {"date_created": "2026-11-23"},
  "event_sinkhole": {
    "file_name": "event4_sinkhole",
    "constant_fields": {"classification.type": "infected-system"},
    "required_fields": [["time.source", "timestamp", "add_UTC_to_timestamp"], ["source.ip", "source_address", "validate_ip"]],
    "optional_fields": [["malware.name", "infection"], ["extra.", "novelty", "validate_to_none", true]]
  },
  "scan_newthing": {
    "constant_fields": {"classification.type": "weak-crypto", "classification.identifier": "open-newthing", "protocol.transport": "udp"},
    "required_fields": [["time.source", "timestamp"], ["source.ip", "ip"], ["source.port", "port"]],
    "optional_fields": [["severity", "severity"]]
  },
  "piracy": {
    "constant_fields": {"classification.type": "copyright"},
    "required_fields": [["time.source", "timestamp"], ["source.ip", "ip"]]
  }
}`

const siteReports = `{"scan_newest": {"classification.type": "vulnerable-system", "name": "Newest", "fields": ["timestamp", "ip", "port", "detail"]}}`

func TestASiteLoadsThePublishersSchemaOverTheTable(t *testing.T) {
	c, err := OpenCatalogue(fstest.MapFS{
		"shadowserver-intelmq.json": {Data: []byte(siteSchema)},
		"shadowserver-reports.json": {Data: []byte(siteReports)},
		"notes.json":                {Data: []byte("not ours")},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Find("shadowserver")
	if err != nil {
		t.Fatal(err)
	}
	if f.Version == format(t, "shadowserver").Version {
		t.Error("the version is that of the table alone")
	}
	cases := []struct{ reportType, text, want string }{
		{"event4_sinkhole", "timestamp,source_address,infection,novelty\n2026-11-23 00:00:00,192.0.2.1,virut,x\n",
			`"type":"infected-system","role":"bot","severity":"critical","confidence":0.9,"tlp":"AMBER","identifier":"virut","family":"virut","asset_kind":"ipv4-addr","asset":"192.0.2.1"`},
		{"scan_newthing", "timestamp,ip,port,severity\n2026-11-23 00:00:00,192.0.2.1,7,low\n",
			`"class":"vulnerable","type":"weak-crypto","role":"exposed","severity":"low","confidence":0.8,"tlp":"AMBER","identifier":"open-newthing","asset_kind":"ipv4-addr","asset":"192.0.2.1","port":7,"transport":"udp"`},
		{"scan_newest", "timestamp,ip,port,detail\n2026-11-23 00:00:00,192.0.2.1,7,x\n",
			`"type":"vulnerable-system","role":"exposed","severity":"","confidence":0.8,"tlp":"AMBER","identifier":"scan_newest"`},
	}
	for _, tc := range cases {
		r := read(t, f, tc.reportType, strings.NewReader(tc.text))
		if len(r.lines) != 1 || !strings.Contains(r.lines[0], tc.want) || len(r.result.Warnings) > 0 {
			t.Errorf("%s: got %s %v %v %q\nwant … %s", tc.reportType, r.lines, r.refused, r.err, r.result.Warnings, tc.want)
		}
	}
	r := read(t, f, "piracy", strings.NewReader("timestamp,ip\n2026-11-23 00:00:00,192.0.2.1\n"))
	if len(r.refused) != 1 || !strings.Contains(r.refused[0].Reason, `"copyright" are about content, which is out of scope`) {
		t.Errorf("content: got %v %v", r.lines, r.refused)
	}
}

func TestThePublishersOwnFilesChangeNoSample(t *testing.T) {
	for _, name := range []string{"intelmq.json", "intelmq-2024-07-29.json", "reports.json"} {
		data, err := os.ReadFile(shared(t, "feeds/shadowserver-schema/"+name))
		if err != nil {
			t.Fatal(err)
		}
		types, err := overlaySchema(builtinShadow(), name, data)
		if err != nil {
			t.Fatal(err)
		}
		f := shadowFormat(types, data)
		for _, reportType := range []string{"event4_sinkhole", "event4_honeypot_ddos_target", "event4_honeypot_brute_force", "malware_url", "scan_exchange", "blocklist"} {
			text, err := os.ReadFile(shared(t, "feeds/intelmq-shadowserver-3.2.1/"+reportType+".csv"))
			if err != nil {
				t.Fatal(err)
			}
			want := readText(t, "shadowserver", reportType, string(text))
			got := read(t, f, reportType, strings.NewReader(string(text)))
			if !slices.Equal(got.lines, want.lines) {
				t.Errorf("%s, %s:\ngot  %s\nwant %s", name, reportType, got.lines, want.lines)
			}
		}
	}
}

func TestASchemaFileThatIsNoneIsRefused(t *testing.T) {
	for says, data := range map[string]string{
		"no report types":                 `{"_meta": {}}`,
		"no columns":                      `{"scan_x": {"constant_fields": {}}}`,
		"expected [key, column]":          `{"scan_x": {"required_fields": [["time.source"]]}}`,
		"expected two texts":              `{"scan_x": {"required_fields": [["time.source", 7]]}}`,
		"letters, digits and underscores": `{"scan/x": {"fields": ["ip"]}}`,
		"at most 255 octets":              `{"scan_x": {"fields": ["ip"], "constant_fields": {"classification.identifier": "` + strings.Repeat("x", 256) + `"}}}`,
		"cannot unmarshal":                `{"scan_x": []}`,
		"unexpected end":                  `{"scan_x": `,
	} {
		_, err := OpenCatalogue(fstest.MapFS{"shadowserver.json": {Data: []byte(data)}})
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "shadowserver.json") {
			t.Errorf("%s: got %v, want ErrInvalid … %s", data, err, says)
		}
	}
}

func TestEveryReportTypeReadsARowOfItsOwn(t *testing.T) {
	told := map[kind]string{
		kindIP: "192.0.2.1", kindPrefix: "192.0.2.0/24", kindDomain: "example.net", kindURL: "http://example.net/",
		kindEmail: "a@example.net", kindAccount: "somebody", kindHash: strings.Repeat("ab", 16), kindEndpoint: "192.0.2.1:80",
	}
	for name, s := range builtinShadow() {
		for _, c := range s.shape.assets {
			for _, k := range c.kinds {
				r := readText(t, "shadowserver", name, "timestamp,"+c.column+"\n2026-11-23 00:00:00,"+told[k]+"\n")
				if len(r.lines) != 1 || !strings.Contains(r.lines[0], `"asset":"`+told[k]) || len(r.result.Warnings) > 0 {
					t.Errorf("%s, %s: got %s %v %v %q", name, c.column, r.lines, r.refused, r.err, r.result.Warnings)
				}
			}
		}
	}
}

func TestAddressesAreReadAsNetipReadsThem(t *testing.T) {
	for _, s := range []string{
		"192.0.2.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.4 ",
		"", ".", "1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:db8::g", "1.2.3.4/24", "1.2.3.1000", "192.0.2.00",
	} {
		want, wantErr := netip.ParseAddr(s)
		got, ok := parseAddr([]byte(s))
		if ok != (wantErr == nil) || got != want {
			t.Errorf("%q: got %v %v, want %v %v", s, got, ok, want, wantErr)
		}
	}
}
