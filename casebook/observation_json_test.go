package casebook

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func sighting() Observation {
	return Observation{
		Key: Key{0xab, 15: 1}, Source: "shadowserver/event4_sinkhole",
		Type: InfectedSystem, Role: Bot, Severity: Critical, Confidence: 900, TLP: Amber,
		Identifier: "virut", Family: "virut",
		Asset: AddrAsset(netip.MustParseAddr("192.0.2.7")), Port: 4188, Transport: TCP,
		Peer: AddrAsset(netip.MustParseAddr("2001:db8::9")), PeerPort: 4455,
		ObservedAt: time.Date(2021, 3, 4, 0, 0, 0, 0, time.UTC), Row: 1,
		Extra: []Field{{"src_asn", []byte("64500")}, {"src_city", []byte("Lima")}},
	}
}

func TestAnObservationIsOneLineOfJSON(t *testing.T) {
	o := sighting()
	got := string(o.AppendJSON(nil))
	want := `{"kind":"observation","key":"ab000000000000000000000000000001","source":"shadowserver/event4_sinkhole",` +
		`"class":"malicious-code","type":"infected-system","role":"bot","severity":"critical","confidence":0.9,"tlp":"AMBER",` +
		`"identifier":"virut","family":"virut","asset_kind":"ipv4-addr","asset":"192.0.2.7","port":4188,"transport":"tcp",` +
		`"peer_kind":"ipv6-addr","peer":"2001:db8::9","peer_port":4455,"observed_at":"2021-03-04T00:00:00Z","row":1,` +
		`"extra":{"src_asn":"64500","src_city":"Lima"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatIsNotToldIsLeftOut(t *testing.T) {
	o := Observation{Source: "x", Asset: Asset{Kind: DomainName, Name: "example.net"}}
	got := string(o.AppendJSON(nil))
	want := `{"kind":"observation","key":"00000000000000000000000000000000","source":"x","class":"other","type":"undetermined",` +
		`"role":"other","severity":"","confidence":0,"tlp":"AMBER","asset_kind":"domain-name","asset":"example.net","port":0,` +
		`"observed_at":"0001-01-01T00:00:00Z","row":0}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestConfidenceIsWrittenAsAFraction(t *testing.T) {
	for n, want := range map[uint16]string{0: "0", 1: "0.001", 10: "0.01", 105: "0.105", 250: "0.25", 900: "0.9", 1000: "1"} {
		if got := string(appendPermille(nil, n)); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestMomentsKeepTheirMicrosecondsAndStayInRange(t *testing.T) {
	cases := map[string]time.Time{
		"2021-03-04T05:06:07.000008Z": time.Date(2021, 3, 4, 7, 6, 7, 8000, time.FixedZone("", 7200)),
		"9999-12-31T23:59:59Z":        time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC),
		"0000-01-01T00:00:00Z":        time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for want, at := range cases {
		if got := string(appendMoment(nil, at)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAppendJSONAllocatesNothing(t *testing.T) {
	o := sighting()
	b := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { b = o.AppendJSON(b[:0]) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func FuzzAppendJSON(f *testing.F) {
	f.Add("a", []byte("b"))
	f.Add("caf\xe9 \"\\\n\x00", []byte("\xff\xe2\x80\xa8\x1f\x7f"))
	f.Fuzz(func(t *testing.T, word string, value []byte) {
		o := Observation{Source: word, Family: word, Asset: Asset{Kind: UserAccount, Name: word}, Extra: []Field{{word, value}}}
		line := o.AppendJSON(nil)
		if strings.ContainsAny(string(line), "\n\x00") || !utf8.Valid(line) {
			t.Fatalf("%q is not one line of UTF-8", line)
		}
		var back struct {
			Family string            `json:"family"`
			Extra  map[string]string `json:"extra"`
		}
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if want := replaced(word); back.Family != want || back.Extra[want] != replaced(string(value)) {
			t.Errorf("got %q and %q, want %q and %q", back.Family, back.Extra[want], want, replaced(string(value)))
		}
	})
}

// replaced puts U+FFFD in place of each octet that isn't UTF-8.
func replaced(s string) string { return string([]rune(s)) }

func BenchmarkAppendJSON(b *testing.B) {
	o := sighting()
	line := o.AppendJSON(nil)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		line = o.AppendJSON(line[:0])
	}
}
