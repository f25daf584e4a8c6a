package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/tools/txtar"

	"tocsin/casebook"
	"tocsin/traffic"
)

// seeds gives a capture of each format.
func seeds(f testing.TB) map[string][]byte {
	f.Helper()
	all := map[string][]byte{}
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if filepath.Ext(file.Name) != ".want" {
				all[filepath.Base(name)+"/"+file.Name] = file.Data
			}
		}
	}
	s := newScript(f)
	s.open(client, server)
	s.tcp(client, server, "PA", get)
	s.tcp(server, client, "PA", ok)
	s.udp(client, netip.MustParseAddrPort("198.51.100.53:53"), dnsPacket(f, 7, "www.example.org.", &dnsmessage.AResource{A: [4]byte{203, 0, 113, 9}}))
	all["pcap"], all["pcapng"] = s.pcap(), s.pcapng()
	all["netflow 9"] = append(v9(template9, data9(0x1b)), v9(data9(2))...)
	all["ipfix"] = ipfix(append(message(uint16(2)), template9[2:]...), data9(0x1b))
	all["nfdump 1"], all["nfdump 2"] = nfFile1(), nfFile2(nfPlain)
	all["dnstap"] = dnstapStream(f)
	all["syslog"] = []byte("<13>Aug  7 08:49:43 sensor zeek_conn: {\"ts\":1596790183.03,\"uid\":\"C1\",\"id.orig_h\":\"10.8.0.61\",\"id.orig_p\":1,\"id.resp_h\":\"198.51.100.2\",\"id.resp_p\":2,\"proto\":\"tcp\",\"conn_state\":\"SF\"}\n")
	all["wrapped"] = []byte(`{"result":{"_raw":"{\"ts\":1596790183031,\"uid\":\"C1\",\"id.orig_h\":\"10.8.0.61\",\"id.orig_p\":1,\"id.resp_h\":\"198.51.100.2\",\"id.resp_p\":2,\"proto\":\"tcp\",\"conn_state\":\"SF\"}"}}`)
	for name, c := range linkCases() {
		all["link "+name] = s.file(c.link, c.f)
	}
	return all
}

// FuzzOpen reads any bytes as a capture: it ends, the same twice, with no more records
// than octets allow and no error but that it isn't telemetry.
func FuzzOpen(f *testing.F) {
	for _, text := range seeds(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		one, two := openAny(t, text), openAny(t, text)
		if !slices.Equal(one.Flows, two.Flows) || !slices.Equal(one.Requests, two.Requests) || one.counts != two.counts || !slices.Equal(one.bad, two.bad) {
			t.Errorf("two readings differ: %+v and %+v", one.counts, two.counts)
		}
		if one.counts.Records > int64(len(text))+1 || one.counts.Records != int64(one.Len()) {
			t.Errorf("%d octets gave %d records, counted as %d", len(text), one.Len(), one.counts.Records)
		}
		for i := range one.Flows {
			sound(t, &one.Flows[i])
		}
	})
}

// sound checks what holds for every flow.
func sound(t *testing.T, f *traffic.Flow) {
	if !f.Orig.IsValid() || !f.Resp.IsValid() || f.Orig.Is4In6() || f.Resp.Zone() != "" || f.Start < 0 || f.Start >= maxMoment || f.Duration < traffic.Unknown {
		t.Errorf("got %+v", f)
	}
	for _, n := range []int64{f.OrigBytes, f.RespBytes, f.OrigPackets, f.RespPackets, f.OrigPayload, f.RespPayload} {
		if n < traffic.Unknown {
			t.Errorf("a count below what is unknown: %+v", f)
		}
	}
}

func openAny(t *testing.T, text []byte) everything {
	r, err := Open("any", bytes.NewReader(text))
	if err != nil {
		if !errors.Is(err, casebook.ErrInvalid) && !errors.Is(err, casebook.ErrTooLarge) {
			t.Errorf("%v is no fault of the capture", err)
		}
		return everything{}
	}
	defer r.Close()
	return drain(t, r)
}

func FuzzDatagram(f *testing.F) {
	f.Add(v9(template9, data9(0x1b)), v9(optionTemplate, optionData))
	f.Add(ipfix(append(message(uint16(2)), template9[2:]...)), ipfix(data9(2)))
	f.Add(message(uint32(5), uint32(1), [4]byte{203, 0, 113, 9}, uint32(7), uint32(1), uptime, uint32(1), uint32(1), uint32(8), uint64(0)), []byte{})
	f.Fuzz(func(t *testing.T, one, two []byte) {
		b, err := collect(one, two, one)
		if err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Error(err)
		}
		if len(b.Flows) > 3*(len(one)+len(two)) {
			t.Errorf("%d octets gave %d flows", 2*len(one)+len(two), len(b.Flows))
		}
		for i := range b.Flows {
			sound(t, &b.Flows[i])
		}
	})
}

// FuzzJSON holds the walk over objects against the standard library's.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"a":1,"b":"x\"y","c":{"d":[1,2,{"e":null}]}}`, `{}`, `{"a":}`, `{"a":1`, "{\"\\u00e9\":\"\\ud83d\\ude00\"}", `{"a":"\\"}`, ` { "a" : [ ] } `,
		`{"flow":{"start":"x","pkts":1,"end":[{"a":"]"}]},"z":1}`, `{"flow":{"start":1{2,"end":"}"}}`, `{"flow":{"start":1]}`, `{"flow":{"start":"a\\","end":t"}"}}`,
		`{"flow":{"start":[1,{"a":2}],`, `{"flow":"start","flow":{}}`, `{"flow":{"start":1} x}`, `"a\\\"b" 01234567`, `"0123456\`,
		`{"flow":{"a":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + `}}`, `{"flow":{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sameMembers(t, text)
		sameString(t, text)
		got := map[string]bool{}
		w := jsonWalk{b: bytes.Clone(text)}
		for key, value, ok := w.next(); ok; key, value, ok = w.next() {
			got[string(jsonText(append(append([]byte{'"'}, key...), '"')))] = true
			jsonText(bytes.Clone(value))
			jsonEach(bytes.Clone(value), func([]byte) bool { return true })
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil || deep(text) || !utf8.Valid(text) {
			return
		}
		if w.broken || !maps.EqualFunc(got, want, func(bool, json.RawMessage) bool { return true }) {
			t.Errorf("%q: broken %v, got %v, want %v", text, w.broken, got, want)
		}
	})
}

// sameMembers holds the one pass over an object and the objects in it against two
// passes: the same values, the same members, the same faults.
func sameMembers(t *testing.T, text []byte) {
	one, two := jsonWalk{b: text}, jsonWalk{b: text}
	var got, want [eveFlowKeys][]byte
	for {
		key, ok := one.key()
		wantKey, wantOK := two.key()
		if ok != wantOK || !bytes.Equal(key, wantKey) || one.broken != two.broken {
			t.Fatalf("%q: key %q, %v, want %q, %v", text, key, ok, wantKey, wantOK)
		}
		if !ok {
			return
		}
		value, ok := one.members(eveFlowTable, got[:])
		wantValue, wantOK := two.value()
		if ok != wantOK || !bytes.Equal(value, wantValue) {
			t.Fatalf("%q: value %q, %v, want %q, %v", text, value, ok, wantValue, wantOK)
		}
		if walk(wantValue, eveFlowTable, want[:]); ok && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: members %q, want %q", text, got, want)
		}
	}
}

// sameString holds the search for a string's end against one that looks at each octet.
func sameString(t *testing.T, text []byte) {
	want, found, escaped := text, false, false
	for i := 1; i < len(text) && !found; i++ {
		if found = text[i] == '"' && !escaped; found {
			want = text[:i+1]
		}
		escaped = text[i] == '\\' && !escaped
	}
	if got, ok := jsonString(text); ok != found || !bytes.Equal(got, want) {
		t.Errorf("%q: string %q, %v, want %q, %v", text, got, ok, want, found)
	}
}

// deep reports whether a text may nest deeper than is read.
func deep(text []byte) bool {
	return bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) >= maxDepth
}

// FuzzDNS holds what is read of a message against the Go project's own package.
func FuzzDNS(f *testing.F) {
	f.Add([]byte(dnsPacket(f, 7, "www.example.org.")))
	f.Add([]byte(dnsPacket(f, 7, "www.example.org.", &dnsmessage.AResource{A: [4]byte{203, 0, 113, 9}}, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("a.example.")})))
	f.Fuzz(func(t *testing.T, m []byte) {
		var d dnsReader
		var l traffic.Lookup
		_, response, ok := d.parse(m, &l)
		var p dnsmessage.Parser
		h, err := p.Start(m)
		if err != nil || h.OpCode != 0 {
			return
		}
		q, err := p.Question()
		if err == nil && ok && (response != h.Response || uint16(q.Type) != l.Type || q.Name.String() == "www.example.org." && l.Query != "www.example.org") {
			t.Errorf("got %+v, the library reads %v", l, q)
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add(bytes.Repeat([]byte{3}, 60))
	f.Fuzz(func(t *testing.T, body []byte) {
		var c clientHello
		var s serverHello
		var cert certificate
		if c.parse(body, 't') && (len(c.ja3) != 32 || len(c.ja4) != 36) {
			t.Errorf("got %q and %q", c.ja3, c.ja4)
		}
		s.parse(body)
		cert.parse(body)
		if quicInitial(body) {
			quicOpen(body)
		}
	})
}

func FuzzUnpackBlocks(f *testing.F) {
	f.Add([]byte("\x12hello\x11\x00\x00"))
	f.Add([]byte("\x50hello"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		const most = 1 << 16
		for _, unpack := range []func([]byte, int) ([]byte, error){lzo1x, lz4Block} {
			if out, err := unpack(packed, most); err == nil && len(out) > most {
				t.Errorf("got %d octets, the bound is %d", len(out), most)
			}
		}
	})
}

// FuzzMoment holds moments against the standard library's.
func FuzzMoment(f *testing.F) {
	for _, text := range []string{"2026-11-24T03:00:00Z", "2026-11-24T03:00:00.123456+02:00", "1795489200.5", "2026/11/24 03:00:00", "1e9", "-1", "2024-02-29T00:00:00Z", "2000-01-01T00:00:00+00:60"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseMoment([]byte(text))
		want, err := time.Parse(time.RFC3339, text)
		if err != nil || text[13] != ':' || // the library takes an hour of one digit
			text[len(text)-1] != 'Z' && (text[len(text)-5:len(text)-3] > "23" || text[len(text)-2:] > "59") || // and zones of a 60th minute
			want.Year() < 1970 || want.Year() > 2198 || len(text) > 35 || want.UnixMicro() < 0 {
			return
		}
		if !ok || got != want.UnixMicro() {
			t.Errorf("%q: got %d %v, want %d", text, got, ok, want.UnixMicro())
		}
	})
}

// TestCapturesCutShort cuts a capture of each format at each of its octets: what was
// whole before is told, and the rest refused.
func TestCapturesCutShort(t *testing.T) {
	for name, text := range seeds(t) {
		for n := range min(len(text), 3000) {
			openAny(t, text[:n])
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(bytes.Repeat(text, 200))
		z.Close()
		r, err := Open(name, bytes.NewReader(packed.Bytes()[:packed.Len()*2/3]))
		if err != nil {
			continue // no telemetry
		}
		// A file of nfdump 1.7 says how many blocks it has, and is over behind them.
		if all := drain(t, r); all.counts.Refused == 0 && len(text) > 0 && name != "nfdump 2" {
			t.Errorf("%s cut short in its gzip: nothing was refused: %+v", name, all.counts)
		}
	}
}

// nfFile1 writes a file of nfdump 1.6 with one flow.
func nfFile1() []byte {
	record := little(uint16(nfFlow1), uint16(48), uint16(0), uint16(0), uint16(500), uint16(750), exported, exported+1, byte(0), byte(0x1b), byte(6), byte(0),
		uint16(50000), uint16(443), uint16(1), uint16(0), uint32(0xc0000207), uint32(0xc6336402), uint32(10), uint32(1000))
	from := little(uint16(nfExporterInfo), uint16(32), uint32(5), uint64(0), uint32(0xcb007101), uint32(0), uint16(2), uint16(1), uint32(5))
	body := append(from, record...)
	header := little(uint16(nfMagic), uint16(1), uint32(0), uint32(1), [128]byte{}, [136]byte{}, uint32(2), uint32(len(body)), uint16(2), uint16(0))
	return append(header, body...)
}

// nfFile2 writes a file of nfdump 1.7 with a flow of IPv4 and one of IPv6.
func nfFile2(packing byte) []byte {
	generic := little(uint16(nfGeneric), uint16(52), uint64(exported)*1000+500, uint64(exported)*1000+1750, uint64(0), uint64(10), uint64(1000), uint16(50000), uint16(443), byte(6), byte(0x1b), uint16(0))
	v4 := little(uint16(nfV4), uint16(12), uint32(0xc0000207), uint32(0xc6336402))
	v6 := little(uint16(nfV6), uint16(36), uint64(0x20010db800000000), uint64(7), uint64(0x20010db800000000), uint64(2))
	var body []byte
	for _, addrs := range [][]byte{v4, v6} {
		n := 12 + len(addrs) + len(generic)
		body = append(body, little(uint16(nfFlow3), uint16(n), uint16(2), uint16(0), uint16(1), byte(0), byte(9))...)
		body = append(append(body, addrs...), generic...)
	}
	body = append(little(uint16(nfExporterInfo), uint16(32), uint32(9), uint64(0), uint32(0xcb007101), uint32(0), uint16(2), uint16(1), uint32(5)), body...)
	header := little(uint16(nfMagic), uint16(2), uint32(0), uint64(0), packing, byte(0), uint16(0), uint32(0), uint64(0), uint32(0), uint32(1))
	return append(append(header, little(uint32(3), uint32(len(body)), uint16(3), uint16(0))...), body...)
}

// little joins numbers with the lowest octet first.
func little(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		binary.Write(&b, binary.LittleEndian, p)
	}
	return b.Bytes()
}

// dnstapStream writes a frame stream with a question of a client and its answer.
func dnstapStream(t testing.TB) []byte {
	t.Helper()
	field := func(number, kind int) []byte { return binary.AppendUvarint(nil, uint64(number<<3|kind)) }
	text := func(number int, v []byte) []byte {
		return append(binary.AppendUvarint(field(number, 2), uint64(len(v))), v...)
	}
	number := func(number int, v uint64) []byte { return binary.AppendUvarint(field(number, 0), v) }
	frame := func(kind uint64, parts ...[]byte) []byte {
		m := append(number(1, kind), number(2, 1)...)
		m = append(m, number(3, 1)...)
		m = append(m, text(4, []byte{192, 0, 2, 7})...)
		m = append(m, text(5, []byte{198, 51, 100, 53})...)
		m = append(append(m, number(6, 50000)...), number(7, 53)...)
		m = append(m, bytes.Join(parts, nil)...)
		whole := append(text(14, m), number(15, 1)...)
		return append(message(uint32(len(whole))), whole...)
	}
	nanos := func(number int, v uint32) []byte {
		return binary.LittleEndian.AppendUint32(field(number, 5), v)
	}
	question := []byte(dnsPacket(t, 7, "www.example.org."))
	answer := []byte(dnsPacket(t, 7, "www.example.org.", &dnsmessage.AResource{A: [4]byte{203, 0, 113, 9}}))
	start := message(uint32(0), uint32(12+len(dnstapContent)), uint32(2), uint32(1), uint32(len(dnstapContent)), []byte(dnstapContent))
	out := append(start, frame(tapClientQuery, number(8, uint64(exported)), nanos(9, 1000), text(10, question))...)
	out = append(out, frame(tapResolverQuery, number(8, uint64(exported)), text(10, question))...)
	out = append(out, frame(tapClientResponse, number(8, uint64(exported)), nanos(9, 1000), number(12, uint64(exported)), nanos(13, 9000_000), text(14, answer))...)
	return append(out, message(uint32(0), uint32(4), uint32(3))...)
}

func TestNfdumpFiles(t *testing.T) {
	want := traffic.Flow{Start: int64(exported)*1e6 + 500_000, Duration: 1_250_000, Orig: netip.MustParseAddr("192.0.2.7"), Resp: netip.MustParseAddr("198.51.100.2"),
		OrigPort: 50000, RespPort: 443, Proto: 6, OneWay: true, OrigBytes: 1000, OrigPackets: 10, RespBytes: -1, RespPackets: -1, OrigPayload: -1, RespPayload: -1,
		Flags: 0x1b, Point: "203.0.113.1/5"}
	for name, text := range map[string][]byte{"1.6": nfFile1(), "1.7": nfFile2(nfPlain)} {
		all := readAll(t, name, bytes.NewReader(text))
		if all.format != "nfdump" || len(all.Flows) == 0 || all.Flows[0] != want {
			t.Errorf("%s: got %s", name, tell(all))
		}
	}
	if all := readAll(t, "1.7", bytes.NewReader(nfFile2(nfPlain))); len(all.Flows) != 2 || all.Flows[1].Orig != netip.MustParseAddr("2001:db8::7") {
		t.Errorf("got %s", tell(all))
	}
	if _, err := Open("x", bytes.NewReader(append(little(uint16(nfMagic), uint16(7)), make([]byte, 300)...))); err == nil || !errors.Is(err, casebook.ErrInvalid) {
		t.Errorf("another layout: got %v", err)
	}
}

func TestDnstap(t *testing.T) {
	all := readAll(t, "x", bytes.NewReader(dnstapStream(t)))
	if all.format != "dnstap" || len(all.Lookups) != 1 || all.counts != (Counts{Rows: 3, Records: 1, Skipped: 1}) {
		t.Fatalf("got %s", tell(all))
	}
	l := all.Lookups[0]
	if l.Query != "www.example.org" || l.Client != netip.MustParseAddr("192.0.2.7") || l.ClientPort != 50000 || l.RTT != 8999 || len(l.Addrs) != 1 || l.At != int64(exported)*1e6+1 {
		t.Errorf("got %+v", l)
	}
}
