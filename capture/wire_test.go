package capture

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/net/dns/dnsmessage"
	"pgregory.net/rapid"

	"tocsin/traffic"
)

// wantFlows compares what matters of the flows: who, what became of it, and how much.
func wantFlows(t *testing.T, all everything, want ...traffic.Flow) {
	t.Helper()
	got := slices.Clone(all.Flows)
	for i := range got {
		got[i].Link, got[i].Sampling = 0, 0
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

const (
	get     = "GET /a HTTP/1.1\r\nHost: WWW.example.org:80\r\nUser-Agent: probe/1\r\n\r\n"
	post    = "POST /b HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 3\r\n\r\nGET"
	ok      = "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=x\r\nContent-Length: 5\r\n\r\nhel"
	missing = "HTTP/1.1 404 Not Found\r\n\r\n"
)

func TestAWebRequest(t *testing.T) {
	s := newScript(t)
	s.open(client, server)
	s.tcp(client, server, "PA", get)
	s.tcp(server, client, "PA", ok)
	s.tcp(server, client, "PA", "lo")
	s.tcp(client, server, "PA", post)
	s.tcp(server, client, "PA", missing)
	s.end(client, server)
	for name, file := range map[string][]byte{"pcap": s.pcap(), "pcapng": s.pcapng()} {
		all := readAll(t, name, bytes.NewReader(file))
		if all.format != name {
			t.Errorf("read as %s, want %s", all.format, name)
		}
		wantFlows(t, all, traffic.Flow{Start: begin.UnixMicro(), Duration: 10_000, Orig: client.Addr(), Resp: server.Addr(), OrigPort: 50000, RespPort: 80,
			Proto: traffic.TCP, State: traffic.Established, Oriented: true, OrigBytes: 6*40 + int64(len(get+post)), RespBytes: 5*40 + int64(len(ok+"lo"+missing)),
			OrigPayload: int64(len(get + post)), RespPayload: int64(len(ok + "lo" + missing)), OrigPackets: 6, RespPackets: 5, Flags: 0x1b, Service: "http"})
		want := []traffic.Request{
			{At: begin.UnixMicro() + 3000, Client: client.Addr(), Server: server.Addr(), ClientPort: 50000, ServerPort: 80, Method: "GET", Host: "www.example.org",
				URI: "/a", UserAgent: "probe/1", Status: 200, MIME: "text/html", ResponseBytes: 5},
			{At: begin.UnixMicro() + 6000, Client: client.Addr(), Server: server.Addr(), ClientPort: 50000, ServerPort: 80, Method: "POST", Host: "www.example.org",
				URI: "/b", Status: 404, RequestBytes: 3, ResponseBytes: traffic.Unknown},
		}
		for i := range all.Requests {
			if all.Requests[i].Link != all.Flows[0].Link || all.Requests[i].Link == 0 {
				t.Errorf("request %d isn't linked to its flow", i)
			}
			all.Requests[i].Link = 0
		}
		if diff := cmp.Diff(want, all.Requests, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// TestSegmentsInAnyOrder sends the same head in pieces that come late, twice or
// overlapping.
func TestSegmentsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScript(t)
		s.open(client, server)
		start := s.seq[client]
		var pieces [][2]int
		for at := 0; at < len(get); {
			n := rapid.IntRange(1, 30).Draw(rt, "length")
			to := min(at+n, len(get))
			pieces = append(pieces, [2]int{max(at-rapid.IntRange(0, 3).Draw(rt, "overlap"), 0), to})
			at = to
		}
		pieces = append(pieces, pieces[rapid.IntRange(0, len(pieces)-1).Draw(rt, "twice")])
		// No more wait than a stream holds.
		for i := 0; i+1 < len(pieces); i += 2 {
			if rapid.Bool().Draw(rt, "swap") {
				pieces[i], pieces[i+1] = pieces[i+1], pieces[i]
			}
		}
		for _, p := range pieces {
			s.seq[client] = start + uint32(p[0])
			s.tcp(client, server, "PA", get[p[0]:p[1]])
		}
		all := s.read()
		if len(all.Requests) != 1 || all.Requests[0].Host != "www.example.org" || all.Requests[0].UserAgent != "probe/1" {
			rt.Fatalf("pieces %v: got %+v", pieces, all.Requests)
		}
	})
}

func TestWhatBecameOfConnections(t *testing.T) {
	for _, c := range []struct {
		name     string
		play     func(s *script)
		state    traffic.State
		oriented bool
		orig     netip.AddrPort
	}{
		{"a scan that nobody answers", func(s *script) { s.tcp(client, server, "S", "") }, traffic.Attempted, true, client},
		{"a port that refuses", func(s *script) { s.tcp(client, server, "S", ""); s.tcp(server, client, "RA", "") }, traffic.Rejected, true, client},
		{"a half-open scan", func(s *script) {
			s.tcp(client, server, "S", "")
			s.tcp(server, client, "SA", "")
			s.tcp(client, server, "R", "")
		}, traffic.Attempted, true, client},
		{"opened and closed", func(s *script) { s.open(client, server); s.end(client, server) }, traffic.Established, true, client},
		{"opened and broken off", func(s *script) { s.open(client, server); s.tcp(server, client, "RA", "") }, traffic.Reset, true, client},
		{"begun before the capture, the server seen first", func(s *script) {
			s.tcp(server, client, "PA", "x")
			s.tcp(client, server, "A", "")
		}, traffic.Midstream, false, client},
		{"an answer whose question wasn't seen", func(s *script) { s.tcp(server, client, "SA", "") }, traffic.Midstream, false, client},
	} {
		s := newScript(t)
		c.play(s)
		all := s.read()
		if len(all.Flows) != 1 {
			t.Errorf("%s: got %d flows", c.name, len(all.Flows))
			continue
		}
		f := all.Flows[0]
		if got := netip.AddrPortFrom(f.Orig, f.OrigPort); f.State != c.state || f.Oriented != c.oriented || got != c.orig {
			t.Errorf("%s: got %v, oriented %v, from %v; want %v, %v, %v", c.name, f.State, f.Oriented, got, c.state, c.oriented, c.orig)
		}
	}
}

func TestTheSamePortsAgainAreAnotherConnection(t *testing.T) {
	s := newScript(t)
	s.open(client, server)
	s.end(client, server)
	s.at = s.at.Add(time.Second)
	s.seq[client] = 77_000
	s.open(client, server)
	s.at = s.at.Add(400 * time.Second) // longer than an open connection may be silent
	s.tcp(client, server, "PA", "x")
	if all := s.read(); len(all.Flows) != 3 || all.Flows[0].OrigPackets != 4 || all.Flows[1].OrigPackets != 2 || all.Flows[2].State != traffic.Midstream {
		t.Errorf("got %s", tell(all))
	}
}

// dnsPacket makes a message by the Go project's own package.
func dnsPacket(t testing.TB, id uint16, name string, answers ...dnsmessage.ResourceBody) string {
	t.Helper()
	n := dnsmessage.MustNewName(name)
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, Response: len(answers) > 0, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	for _, a := range answers {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: 60}, Body: a})
	}
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return string(packed)
}

func TestNames(t *testing.T) {
	resolver := netip.MustParseAddrPort("198.51.100.53:53")
	alias := &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("Web.example.net.")}
	address := &dnsmessage.AResource{A: [4]byte{203, 0, 113, 9}}
	question, answer := dnsPacket(t, 7, "WWW.example.org."), dnsPacket(t, 7, "www.example.org.", alias, address)
	udp, tcp := newScript(t), newScript(t)
	udp.udp(client, resolver, question)
	udp.udp(client, resolver, question) // asked again
	udp.udp(resolver, client, answer)
	udp.udp(client, resolver, dnsPacket(t, 8, "nobody.answers.example."))
	tcp.open(client, resolver)
	framed := string([]byte{0, byte(len(question))}) + question
	tcp.tcp(client, resolver, "PA", framed[:9])
	tcp.tcp(client, resolver, "PA", framed[9:])
	tcp.tcp(resolver, client, "PA", string([]byte{0, byte(len(answer))})+answer)
	for name, s := range map[string]*script{"UDP": udp, "TCP": tcp} {
		all := s.read()
		if len(all.Lookups) == 0 || all.Flows[0].Service != "dns" {
			t.Fatalf("%s: got %s", name, tell(all))
		}
		l := all.Lookups[0]
		if l.Query != "www.example.org" || l.Type != 1 || l.RCode != 0 || !l.Answered || l.Answers != 2 || l.TTL != 60 || l.Name != "web.example.net" ||
			l.RTT < 1000 || !slices.Equal(l.Addrs, []netip.Addr{netip.MustParseAddr("203.0.113.9")}) || l.Client != client.Addr() || l.Server != resolver.Addr() {
			t.Errorf("%s: got %+v", name, l)
		}
	}
	if all := udp.read(); len(all.Lookups) != 2 || all.Lookups[1].Answered || all.Lookups[1].RCode != traffic.Unknown {
		t.Errorf("want a second question without an answer, got %s", tell(all))
	}
}

// linkCase puts a packet of Ethernet onto another link, or into a tunnel.
type linkCase struct {
	link layers.LinkType
	f    func([]byte) []byte
}

func linkCases() map[string]linkCase {
	ip := func(p []byte) []byte { return p[14:] }
	// over gives UDP to a port, from one end of a tunnel to the other.
	over := func(port uint16, header ...byte) func([]byte) []byte {
		return func(inner []byte) []byte {
			n := len(header) + len(inner) + 8
			b := []byte{0x45, 0, 0, byte(n + 20), 0, 0, 0, 0, 64, 17, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2, 200, 0, byte(port >> 8), byte(port), 0, byte(n), 0, 0}
			return append(append(b, header...), inner...)
		}
	}
	vxlan, geneve, mobile := over(4789, 8, 0, 0, 0, 0, 0, 7, 0), over(6081, 0x01, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 4), over(2152, 0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0)
	snapped := func(p []byte) []byte { return append([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip(p)...) }
	return map[string]linkCase{
		"raw":      {layers.LinkTypeRaw, ip},
		"loopback": {layers.LinkTypeNull, func(p []byte) []byte { return append([]byte{2, 0, 0, 0}, ip(p)...) }},
		"cooked":   {layers.LinkTypeLinuxSLL, func(p []byte) []byte { return append(make([]byte, 14), append([]byte{8, 0}, ip(p)...)...) }},
		"cooked 2": {276, func(p []byte) []byte { return append(append([]byte{8, 0}, make([]byte, 18)...), ip(p)...) }},
		"tagged twice": {layers.LinkTypeEthernet, func(p []byte) []byte {
			return append(append(bytes.Clone(p[:12]), 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0), ip(p)...)
		}},
		"MPLS": {layers.LinkTypeEthernet, func(p []byte) []byte {
			return append(append(bytes.Clone(p[:12]), 0x88, 0x47, 0, 0, 0x10, 64, 0, 0, 0x21, 64), ip(p)...)
		}},
		"PPPoE": {layers.LinkTypeEthernet, func(p []byte) []byte {
			return append(append(bytes.Clone(p[:12]), 0x88, 0x64, 0x11, 0, 0, 1, 0, 35, 0, 0x21), ip(p)...)
		}},
		"IP in IP": {layers.LinkTypeRaw, func(p []byte) []byte {
			outer := append([]byte{0x45, 0, 0, byte(len(ip(p)) + 20), 0, 0, 0, 0, 64, 4, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2}, ip(p)...)
			return outer
		}},
		"GRE": {layers.LinkTypeRaw, func(p []byte) []byte {
			return append([]byte{0x45, 0, 0, byte(len(ip(p)) + 24), 0, 0, 0, 0, 64, 47, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2, 0, 0, 8, 0}, ip(p)...)
		}},
		"Ethernet in GRE": {layers.LinkTypeRaw, func(p []byte) []byte {
			return append([]byte{0x45, 0, 0, byte(len(p) + 24), 0, 0, 0, 0, 64, 47, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2, 0, 0, 0x65, 0x58}, p...)
		}},
		"mirrored in GRE": {layers.LinkTypeRaw, func(p []byte) []byte {
			return append([]byte{0x45, 0, 0, byte(len(p) + 36), 0, 0, 0, 0, 64, 47, 0, 0, 203, 0, 113, 1, 203, 0, 113, 2, 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0}, p...)
		}},
		"VXLAN":  {layers.LinkTypeRaw, vxlan},
		"Geneve": {layers.LinkTypeRaw, geneve},
		"GTP-U":  {layers.LinkTypeRaw, func(p []byte) []byte { return mobile(ip(p)) }},
		"Ethernet in MPLS": {layers.LinkTypeEthernet, func(p []byte) []byte {
			return append(append(bytes.Clone(p[:12]), 0x88, 0x47, 0, 0, 0x11, 64, 0, 0, 0, 0), p...)
		}},
		"a length instead of a type": {layers.LinkTypeEthernet, func(p []byte) []byte {
			return append(append(bytes.Clone(p[:12]), 0, byte(len(ip(p))+8)), snapped(p)...)
		}},
		"PPPoE alone": {51, func(p []byte) []byte { return append([]byte{0x11, 0, 0, 1, 0, 35, 0, 0x21}, ip(p)...) }},
		"HDLC":        {104, func(p []byte) []byte { return append([]byte{0x0f, 0, 8, 0}, ip(p)...) }},
		"wireless":    {layers.LinkTypeIEEE802_11, func(p []byte) []byte { return append(append([]byte{0x88, 1}, make([]byte, 24)...), snapped(p)...) }},
		"radio": {layers.LinkTypeIEEE80211Radio, func(p []byte) []byte {
			return append(append([]byte{0, 0, 8, 0, 0, 0, 0, 0, 0x08, 2}, make([]byte, 22)...), snapped(p)...)
		}},
		"Apple's": {258, func(p []byte) []byte {
			return append(append([]byte{108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, make([]byte, 96)...), p...)
		}},
		"Linux' firewall": {239, func(p []byte) []byte {
			n := len(ip(p)) + 4
			return append([]byte{2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 1, 0, byte(n), 0, 9, 0}, ip(p)...)
		}},
	}
}

func TestLinkLayers(t *testing.T) {
	s := newScript(t)
	s.udp(client, server, "hello")
	want := s.read()
	for name, c := range linkCases() {
		got := readAll(t, name, bytes.NewReader(s.file(c.link, c.f)))
		if diff := cmp.Diff(tell(want), tell(got)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestAnUnreachablePortRejects(t *testing.T) {
	s := newScript(t)
	s.udp(client, server, "hello")
	sent := s.packets[0][14:]
	eth, _, ip := layersOf(server.Addr(), client.Addr(), layers.IPProtocolICMPv4)
	s.add(&eth, ip, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, 3)}, gopacket.Payload(sent[:28]))
	all := s.read()
	i := slices.IndexFunc(all.Flows, func(f traffic.Flow) bool { return f.Proto == traffic.UDP })
	if i < 0 || all.Flows[i].State != traffic.Rejected {
		t.Errorf("got %s", tell(all))
	}
}

func TestPingsAndTheirReplies(t *testing.T) {
	s := newScript(t)
	for range 3 {
		eth, _, ip := layersOf(client.Addr(), server.Addr(), layers.IPProtocolICMPv4)
		s.add(&eth, ip, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 9})
		eth, _, ip = layersOf(server.Addr(), client.Addr(), layers.IPProtocolICMPv4)
		s.add(&eth, ip, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(0, 0), Id: 9})
	}
	all := s.read()
	if len(all.Flows) != 1 || all.Flows[0].OrigPackets != 3 || all.Flows[0].RespPackets != 3 || all.Flows[0].OrigPort != 8 || all.Flows[0].State != traffic.Established {
		t.Errorf("got %s", tell(all))
	}
}

func TestFragmentsBelongToTheirPacket(t *testing.T) {
	s := newScript(t)
	s.udp(client, server, strings.Repeat("x", 1000))
	whole := s.packets[0]
	part := func(from, to int, more bool) []byte {
		p := append(bytes.Clone(whole[:34]), whole[34+from:34+to]...)
		n := len(p) - 14
		p[16], p[17] = byte(n>>8), byte(n)
		p[18], p[19] = 0, 42 // identification
		p[20], p[21] = byte(from/8>>8), byte(from/8)
		if more {
			p[20] |= 0x20
		}
		return p
	}
	s.packets = [][]byte{part(0, 400, true), part(400, 800, true), part(800, 1008, false)}
	s.times = []time.Time{begin, begin, begin}
	all := s.read()
	if len(all.Flows) != 1 || all.Flows[0].OrigPackets != 3 || all.Flows[0].OrigBytes != 1008+3*20 || all.Flows[0].RespPort != 80 {
		t.Errorf("got %s", tell(all))
	}
}

func TestExportsInPackets(t *testing.T) {
	s := newScript(t)
	s.udp(exporter, netip.MustParseAddrPort("203.0.113.2:2055"), string(v9(template9, data9(0x1b))))
	all := s.read()
	if len(all.Flows) != 2 || all.Flows[0].Orig != flow9.Orig || all.Flows[0].Point != flow9.Point || all.Flows[1].Service != "netflow" {
		t.Errorf("got %s", tell(all))
	}
}

func TestManyConversationsAtTheEndComeInBatches(t *testing.T) {
	s := newScript(t)
	for i := range 3000 {
		s.udp(netip.AddrPortFrom(client.Addr(), uint16(1024+i)), server, "x")
	}
	r, err := Open("x", bytes.NewReader(s.pcap()))
	if err != nil {
		t.Fatal(err)
	}
	var b traffic.Batch
	flows := 0
	for ; r.Next(&b) == nil; flows += len(b.Flows) {
		if len(b.Flows) > batchRecords {
			t.Fatalf("a batch of %d flows", len(b.Flows))
		}
	}
	if flows != 3000 {
		t.Errorf("got %d flows, want 3000", flows)
	}
}
