package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// shapeOf says by encoding/json what appendFinding says by hand.
func shapeOf(f *casebook.Finding) finding {
	return finding{
		Kind: "finding", ID: f.ID.Text("fnd"), Threat: f.Threat.Text("thr"), AssetKind: f.Asset.Kind.String(), Asset: f.Asset.String(), Port: f.Port,
		ASN: f.ASN, Holder: f.Holder, Family: f.Family, Type: f.Type.String(), Role: f.Role.String(), Severity: f.Severity.String(), State: f.State.String(),
		FirstSeen: f.FirstSeen, LastSeen: f.LastSeen, Days: f.Days.Len(), Count: f.Count, Relapses: f.Relapses, Party: f.Party, Region: f.Mark.Region,
		TLP: f.Mark.TLP.String(), Exercise: f.Mark.Exercise,
	}
}

func sample() casebook.Finding {
	f := casebook.Finding{
		ID: casebook.ID{1, 2, 3}, Threat: casebook.ID{4}, Family: "ExampleBot", Type: casebook.InfectedSystem, Role: casebook.Bot,
		Asset: casebook.AddrAsset(netip.MustParseAddr("192.0.2.7")), State: casebook.Relapsed, Severity: casebook.High,
		FirstSeen: time.Date(2026, 3, 14, 0, 0, 7, 0, time.UTC), LastSeen: time.Date(2026, 3, 15, 12, 0, 0, 5000, time.UTC),
		Count: 12, Relapses: 1, ASN: 64500, Holder: "Example Access", Party: "access", Mark: casebook.Mark{Region: "XA-1", TLP: casebook.AmberStrict},
	}
	f.Days.Add(casebook.DayOf(f.FirstSeen))
	f.Days.Add(casebook.DayOf(f.LastSeen))
	return f
}

func TestFindingJSON(t *testing.T) {
	url := sample()
	url.Asset = casebook.Asset{Kind: casebook.URL, Name: "http://example.net/?a=\"b\"&c=<d>"}
	extreme := sample()
	extreme.Asset, extreme.Port, extreme.ASN, extreme.Count = casebook.AddrAsset(netip.MustParseAddr("2001:db8::1")), math.MaxUint16, math.MaxUint32, math.MaxInt64
	extreme.Family, extreme.Holder = "tab\tnew\nline \\ \" \x00\x1f\x7f 木马 \u2028", "bad \xff\xfe end\xc3"
	extreme.Mark.Exercise = true
	for _, f := range []casebook.Finding{sample(), url, extreme, {}} {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(shapeOf(&f)); err != nil {
			t.Fatal(err)
		}
		got := appendFinding(nil, &f)
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatalf("%v in %s", err, got)
		}
		if err := json.Unmarshal(want.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("got  %s\nwant %s", got, &want)
		}
		if g, w := members(t, got), members(t, want.Bytes()); !slices.Equal(g, w) {
			t.Errorf("got  %v\nwant %v", g, w)
		}
	}
}

// members lists the names in a JSON object in their order.
func members(t *testing.T, object []byte) (all []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.Token()
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, name.(string))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func FuzzText(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\"\\\xff木\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(appendText(nil, s), &got); err != nil {
			t.Fatal(err)
		}
		coded, _ := json.Marshal(s)
		var want string
		if err := json.Unmarshal(coded, &want); err != nil || got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestListFindings(t *testing.T) {
	d := loaded(t)
	h := trusted(d)
	all := get[page[finding]](t, h, "/api/v1/findings", 200)
	if len(all.Items) != 4 || all.Next != "" {
		t.Fatalf("got %+v", all)
	}
	threats := get[page[threat]](t, h, "/api/v1/threats", 200)
	if len(threats.Items) != 3 {
		t.Fatalf("got %+v", threats)
	}
	for _, th := range threats.Items {
		of := get[page[finding]](t, h, "/api/v1/findings?threat="+th.ID, 200)
		if int64(len(of.Items)) != th.Findings {
			t.Errorf("%s has %d findings, got %+v", th.Family, th.Findings, of)
		}
		if one := get[threat](t, h, "/api/v1/threats/"+th.ID, 200); fmt.Sprint(one) != fmt.Sprint(th) {
			t.Errorf("got %+v\nwant %+v", one, th)
		}
	}
	bots := threats.Items[slices.IndexFunc(threats.Items, func(th threat) bool { return th.Family == "examplebot" })]
	want := []size{{"bot", casebook.Interval{Low: 2, Point: 2, High: 2}, casebook.Interval{Low: 2, Point: 2, High: 2}, 2, "2026-03-14"}}
	if !slices.Equal(bots.Sizes, want) {
		t.Errorf("got %+v\nwant %+v", bots.Sizes, want)
	}
	if open := get[page[finding]](t, h, "/api/v1/findings?state=open&since=2026-01-01T00:00:00Z", 200); len(open.Items) != 4 {
		t.Errorf("open: got %+v", open)
	}
	if told := get[page[finding]](t, h, "/api/v1/findings?state=told", 200); len(told.Items) != 0 {
		t.Errorf("told: got %+v", told)
	}
	first := get[page[finding]](t, h, "/api/v1/findings?limit=3", 200)
	rest := get[page[finding]](t, h, "/api/v1/findings?limit=3&cursor="+first.Next, 200)
	if got := append(first.Items, rest.Items...); !slices.Equal(got, all.Items) {
		t.Errorf("got %+v\nwant %+v", got, all.Items)
	}
}

func TestStreamFindings(t *testing.T) {
	d := loaded(t)
	server := httptest.NewServer(trusted(d))
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+"/api/v1/findings?state=open", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("got %q", got)
	}
	var got, want []string
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		got = append(got, lines.Text())
	}
	for f, err := range d.Reader(casebook.Operator()).Findings(t.Context(), store.FindingFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, string(appendFinding(nil, &f)))
	}
	if !slices.Equal(got, want) || lines.Err() != nil {
		t.Errorf("got %v %v\nwant %v", got, lines.Err(), want)
	}
}

// TestStreamBreaks: a list that fails in the middle never reads as whole.
func TestStreamBreaks(t *testing.T) {
	d := openDesk(t, desk.Config{})
	many := "\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\n"
	for i := range 250 {
		many += fmt.Sprintf("\"2026-03-02 11:20:33\",\"198.51.100.%d\",\"443\",\"online\",\"2026-03-14\",\"SampleTrojan\"\n", i)
	}
	load(t, d, "feodo", "many.csv", many)
	h := trusted(d)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&breaking{ResponseWriter: w}, r)
	}))
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL+"/api/v1/findings", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil || len(text) == 0 {
		t.Errorf("got %d bytes and %v, want a part and an error", len(text), err)
	}
}

// breaking takes one write, hands it on, and fails from then on.
type breaking struct {
	http.ResponseWriter
	written bool
}

func (b *breaking) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b *breaking) Write(p []byte) (int, error) {
	if b.written {
		return 0, errors.New("the disk is gone")
	}
	b.written = true
	return b.ResponseWriter.Write(p)
}

// BenchmarkFinding measures a line of the stream.
func BenchmarkFinding(b *testing.B) {
	f := sample()
	line := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		line = appendFinding(line[:0], &f)
	}
	b.SetBytes(int64(len(line)))
}

// TestEmptyStream: no findings are no lines, and no fault.
func TestEmptyStream(t *testing.T) {
	w := ask(trusted(loaded(t)), "GET", "/api/v1/findings?state=void", nil, "Accept", "application/x-ndjson")
	if w.Code != 200 || w.Body.Len() != 0 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/x-ndjson") {
		t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
	}
}
