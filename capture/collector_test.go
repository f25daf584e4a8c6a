package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/netsampler/goflow2/v2/decoders/netflow"

	"tocsin/casebook"
	"tocsin/traffic"
)

var exporter = netip.MustParseAddrPort("203.0.113.1:2055")

// message joins numbers of 8, 16 and 32 bits, and octets, in network order.
func message(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		binary.Write(&b, binary.BigEndian, p)
	}
	return b.Bytes()
}

// set puts a header before a set's body.
func set(id uint16, parts ...any) []byte {
	body := message(parts...)
	return append(message(id, uint16(len(body)+4)), body...)
}

// exported is 2026-11-24 03:00:00 UTC, an hour after the exporter started.
const exported, uptime = uint32(1795489200), uint32(3_600_000)

func v9(sets ...[]byte) []byte {
	return append(message(uint16(9), uint16(len(sets)), uptime, exported, uint32(1), uint32(5)), bytes.Join(sets, nil)...)
}

func ipfix(sets ...[]byte) []byte {
	body := bytes.Join(sets, nil)
	return append(message(uint16(10), uint16(len(body)+16), exported, uint32(1), uint32(5)), body...)
}

// template9 is a template of NetFlow 9: addresses, ports, protocol, flags, packets,
// octets, first and last.
var template9 = set(0, uint16(256), uint16(10), uint16(8), uint16(4), uint16(12), uint16(4), uint16(7), uint16(2), uint16(11), uint16(2),
	uint16(4), uint16(1), uint16(6), uint16(1), uint16(2), uint16(4), uint16(1), uint16(4), uint16(22), uint16(4), uint16(21), uint16(4))

func data9(flags byte) []byte {
	return set(256, [4]byte{192, 0, 2, 7}, [4]byte{198, 51, 100, 2}, uint16(50000), uint16(443), byte(6), flags, uint32(10), uint32(1000),
		uptime-60_000, uptime-50_000, [2]byte{})
}

var flow9 = traffic.Flow{Start: int64(exported)*1e6 - 60_000_000, Duration: 10_000_000, Orig: netip.MustParseAddr("192.0.2.7"), Resp: netip.MustParseAddr("198.51.100.2"),
	OrigPort: 50000, RespPort: 443, Proto: traffic.TCP, OneWay: true, OrigBytes: 1000, OrigPackets: 10, RespBytes: -1, RespPackets: -1,
	OrigPayload: -1, RespPayload: -1, Flags: 0x1b, Point: "203.0.113.1/5"}

// collect reads datagrams and gives their flows; the last one's error too.
func collect(datagrams ...[]byte) (traffic.Batch, error) {
	c := NewCollector()
	var b traffic.Batch
	var err error
	for _, d := range datagrams {
		err = c.Datagram(exporter, int64(exported)*1e6, bytes.Clone(d), &b)
	}
	return b, err
}

func with(f traffic.Flow, change func(*traffic.Flow)) traffic.Flow {
	change(&f)
	return f
}

// optionTemplate and optionData tell a sampling rate of 1 in 512, for the system.
var (
	optionTemplate = set(1, uint16(257), uint16(4), uint16(8), uint16(1), uint16(4), uint16(34), uint16(4), uint16(35), uint16(1))
	optionData     = set(257, uint32(1), uint32(512), byte(2), [3]byte{})
	samplers       = set(1, uint16(258), uint16(0), uint16(8), uint16(48), uint16(1), uint16(50), uint16(4))
	samplerData    = set(258, byte(3), uint32(64), byte(4), uint32(128), [2]byte{})
)

func TestExportedFlows(t *testing.T) {
	v5 := message(uint16(5), uint16(1), uptime, exported, uint32(0), uint32(0), byte(0), byte(5), uint16(100|1<<14),
		[4]byte{192, 0, 2, 7}, [4]byte{198, 51, 100, 2}, uint32(0), uint16(0), uint16(0), uint32(10), uint32(1000), uptime-60_000, uptime-50_000,
		uint16(50000), uint16(443), byte(0), byte(0x1b), byte(6), byte(0), uint16(0), uint16(0), byte(0), byte(0), uint16(0))
	// IPFIX with both directions, a name of varying length and the reason of the end.
	both := set(2, uint16(300), uint16(11), uint16(27), uint16(16), uint16(28), uint16(16), uint16(7), uint16(2), uint16(11), uint16(2), uint16(4), uint16(1),
		uint16(152), uint16(8), uint16(153), uint16(8), uint16(136), uint16(1), uint16(96), uint16(0xffff),
		uint16(0x8000|2), uint16(4), uint32(29305), uint16(2), uint16(4))
	v6, w6 := netip.MustParseAddr("2001:db8::7").As16(), netip.MustParseAddr("2001:db8::2").As16()
	bothData := set(300, v6, w6, uint16(50000), uint16(53), byte(17), uint64(exported)*1000-5000, uint64(exported)*1000-4000, byte(2), byte(3), []byte("DNS"), uint32(4), uint32(5))
	sampled := func(rate uint32) traffic.Flow { return with(flow9, func(f *traffic.Flow) { f.Sampling = rate }) }
	for _, c := range []struct {
		name      string
		datagrams [][]byte
		want      []traffic.Flow
	}{
		{"NetFlow 5", [][]byte{v5}, []traffic.Flow{sampled(100)}},
		{"NetFlow 9", [][]byte{v9(template9, data9(0x1b))}, []traffic.Flow{flow9}},
		{"a template that comes later", [][]byte{v9(data9(0x1b)), v9(template9)}, []traffic.Flow{flow9}},
		{"a SYN alone", [][]byte{v9(template9, data9(2))}, []traffic.Flow{with(flow9, func(f *traffic.Flow) {
			f.Flags, f.State, f.Oriented, f.Piece = 2, traffic.Attempted, true, true
		})}},
		{"a sampling rate in an option", [][]byte{v9(optionTemplate, optionData), v9(template9, data9(0x1b))}, []traffic.Flow{sampled(512)}},
		{"samplers that no record names", [][]byte{v9(samplers, samplerData), v9(template9, data9(0x1b))}, []traffic.Flow{flow9}},
		{"IPFIX", [][]byte{ipfix(both, bothData)}, []traffic.Flow{{Start: int64(exported)*1e6 - 5e6, Duration: 1e6, Orig: netip.AddrFrom16(v6), Resp: netip.AddrFrom16(w6),
			OrigPort: 50000, RespPort: 53, Proto: traffic.UDP, State: traffic.Established, Oriented: true, Piece: true, OrigBytes: -1, RespBytes: -1, OrigPackets: 5, RespPackets: 4,
			OrigPayload: -1, RespPayload: -1, Point: "203.0.113.1/5", Service: "dns"}}},
	} {
		b, err := collect(c.datagrams...)
		if diff := cmp.Diff(c.want, b.Flows, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", c.name, err, diff)
		}
	}
}

// TestSamplerOfARecord tells the rate by the sampler that a record names.
func TestSamplerOfARecord(t *testing.T) {
	named := set(0, uint16(259), uint16(3), uint16(8), uint16(4), uint16(12), uint16(4), uint16(48), uint16(1))
	data := set(259, [4]byte{192, 0, 2, 7}, [4]byte{198, 51, 100, 2}, byte(4), [3]byte{})
	b, err := collect(v9(samplers, samplerData), v9(named, data))
	if err != nil || len(b.Flows) != 1 || b.Flows[0].Sampling != 128 {
		t.Errorf("got %+v, %v; want a rate of 128", b.Flows, err)
	}
}

// TestUptimesKeepDistances exports each minute with a header whose seconds are cut:
// the distances of the flows stay those of the exporter's own clock.
func TestUptimesKeepDistances(t *testing.T) {
	c := NewCollector()
	var b traffic.Batch
	for i := range uint32(5) {
		up := uptime + i*60_000 + i*190
		d := append(message(uint16(9), uint16(1), up, exported+i*60, uint32(i), uint32(5)), template9...)
		d = append(d, set(256, [4]byte{192, 0, 2, 7}, [4]byte{198, 51, 100, 2}, uint16(1), uint16(2), byte(6), byte(0x1b), uint32(1), uint32(1), up, up, [2]byte{})...)
		if err := c.Datagram(exporter, 0, d, &b); err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < len(b.Flows); i++ {
		if got := b.Flows[i].Start - b.Flows[i-1].Start; got != 60_190_000 {
			t.Errorf("flow %d began %d µs after the one before, want 60,190,000", i, got)
		}
	}
}

func TestSFlowSamples(t *testing.T) {
	s := newScript(t)
	s.tcp(client, server, "S", "")
	header := s.packets[0]
	padded := append(bytes.Clone(header), make([]byte, (4-len(header)%4)%4)...)
	raw := message(uint32(1), uint32(16+len(padded)), uint32(1), uint32(len(header)+4), uint32(4), uint32(len(header)), padded)
	sample := message(uint32(1), uint32(3), uint32(1024), uint32(9), uint32(0), uint32(1), uint32(2), uint32(1), raw)
	d := message(uint32(5), uint32(1), [4]byte{203, 0, 113, 9}, uint32(7), uint32(1), uptime, uint32(1), uint32(1), uint32(len(sample)), sample)
	b, err := collect(d)
	want := traffic.Flow{Start: int64(exported) * 1e6, Orig: client.Addr(), Resp: server.Addr(), OrigPort: 50000, RespPort: 80, Proto: traffic.TCP, Oriented: true,
		OneWay: true, Piece: true, OrigBytes: 40, OrigPackets: 1, RespBytes: -1, RespPackets: -1, OrigPayload: -1, RespPayload: -1, Sampling: 1024, Flags: 2, Point: "203.0.113.9/7"}
	if diff := cmp.Diff([]traffic.Flow{want}, b.Flows, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

func TestDatagramsThatMakeNoSense(t *testing.T) {
	hostile := set(0, uint16(256), uint16(1), uint16(8), uint16(0)) // records of no octets: endless
	for name, c := range map[string]struct {
		d    []byte
		says string
	}{
		"too short":            {[]byte{0, 9}, "shorter than any header"},
		"another version":      {make([]byte, 40), "version 0"},
		"records of nothing":   {v9(hostile, set(256, uint32(0))), "no octets"},
		"a set past the end":   {append(v9(), 1, 0, 1, 0), "a set says"},
		"a template cut short": {v9(set(0, uint16(256), uint16(9), uint16(8), uint16(4))), "cut short"},
		"too many fields":      {v9(set(0, uint16(256), uint16(9000), uint16(8), uint16(4))), "9000 fields"},
		"IPFIX too long":       {message(uint16(10), uint16(99), exported, uint32(1), uint32(5)), "99 octets"},
		"NetFlow 5 cut short":  {message(uint16(5), uint16(2), uptime, exported, uint32(0), uint32(0), uint32(0)), "2 records"},
	} {
		_, err := collect(c.d)
		if !errors.Is(err, casebook.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want ErrInvalid that says %q", name, err, c.says)
		}
	}
}

// TestTemplatesReadAsGoflow2ReadsThem holds the reading of templates and data against
// another decoder.
func TestTemplatesReadAsGoflow2ReadsThem(t *testing.T) {
	for name, d := range map[string][]byte{"NetFlow 9": v9(template9, data9(0x1b), data9(2)), "IPFIX": ipfix(append(message(uint16(2)), template9[2:]...), data9(0x1b))} {
		var p9 netflow.NFv9Packet
		var p10 netflow.IPFIXPacket
		if err := netflow.DecodeMessageVersion(bytes.NewBuffer(bytes.Clone(d)), netflow.CreateTemplateSystem(), &p9, &p10); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var want [][]byte
		for _, fs := range append(p9.FlowSets, p10.FlowSets...) {
			if data, ok := fs.(netflow.DataFlowSet); ok {
				for _, r := range data.Records {
					want = append(want, r.Values[0].Value.([]byte))
				}
			}
		}
		b, err := collect(d)
		if err != nil || len(b.Flows) != len(want) || len(want) == 0 {
			t.Fatalf("%s: got %d flows, %v; want %d", name, len(b.Flows), err, len(want))
		}
		for i := range want {
			if got := b.Flows[i].Orig.AsSlice(); !bytes.Equal(got, want[i]) {
				t.Errorf("%s, record %d: got %x, want %x", name, i, got, want[i])
			}
		}
	}
}
