package capture

import (
	"bytes"
	"testing"

	"tocsin/traffic"
)

// tuple is what the templates of makers' equipment begin with: addresses, ports,
// protocol; tupleData a conversation.
var (
	tuple     = message(uint16(8), uint16(4), uint16(12), uint16(4), uint16(7), uint16(2), uint16(11), uint16(2), uint16(4), uint16(1))
	tupleData = message([4]byte{192, 0, 2, 7}, [4]byte{198, 51, 100, 2}, uint16(50000), uint16(443), byte(6))
)

// TestMessagesInAFile reads datagrams of every version as somebody wrote them into files.
func TestMessagesInAFile(t *testing.T) {
	for name, c := range map[string]struct {
		file  []byte
		flows int
		bad   int64
	}{
		"NetFlow 9":            {bytes.Join([][]byte{v9(template9), v9(data9(0x1b), data9(2)), v9(data9(0x1b))}, nil), 3, 0},
		"NetFlow 9, cut short": {bytes.Join([][]byte{v9(template9), v9(data9(0x1b)), v9(data9(0x1b))[:40]}, nil), 1, 1},
		"IPFIX":                {bytes.Join([][]byte{ipfix(append(message(uint16(2)), template9[2:]...)), ipfix(data9(0x1b))}, nil), 1, 0},
	} {
		all := readAll(t, "file", bytes.NewReader(c.file))
		if len(all.Flows) != c.flows || all.counts.Refused != c.bad {
			t.Errorf("%s: got %s", name, tell(all))
		}
	}
}

func TestWhatMakersTellInTheirOwnWay(t *testing.T) {
	millis := uint64(exported) * 1000
	firewall := set(0, uint16(270), uint16(10), tuple, uint16(233), uint16(1), uint16(152), uint16(8), uint16(323), uint16(8), uint16(231), uint16(4), uint16(232), uint16(4))
	asa := func(event byte, sent, got uint32) []byte {
		return set(270, tupleData, event, millis-9000, millis-2000, sent, got)
	}
	probe := set(0, uint16(271), uint16(9), tuple, uint16(1), uint16(4), uint16(23), uint16(4), uint16(24), uint16(4), uint16(6), uint16(1))
	ways := set(0, uint16(272), uint16(7), tuple, uint16(61), uint16(1), uint16(1), uint16(4))
	natted := set(2, uint16(273), uint16(6), tuple, uint16(230), uint16(1))
	yaf := set(2, uint16(274), uint16(9), tuple, uint16(0x8000|14), uint16(1), uint32(6871), uint16(0x8000|15), uint16(1), uint32(6871),
		uint16(0x8000|0x4000|14), uint16(1), uint32(6871), uint16(0x8000|33), uint16(2), uint32(6871))
	yafBoth := set(2, uint16(275), uint16(7), tuple, uint16(2), uint16(4), uint16(0x8000|2), uint16(4), uint32(29305))
	rate := set(3, uint16(276), uint16(3), uint16(1), uint16(302), uint16(4), uint16(309), uint16(4), uint16(310), uint16(4))
	one := func(what string, datagrams ...[]byte) traffic.Flow {
		t.Helper()
		b, err := collect(datagrams...)
		if err != nil || len(b.Flows) != 1 {
			t.Fatalf("%s: got %d flows, %v; want one", what, len(b.Flows), err)
		}
		return b.Flows[0]
	}
	if f := one("a firewall's beginning and end", v9(firewall, asa(1, 0, 0), asa(2, 700, 900))); f.OneWay || f.OrigBytes != 700 || f.RespBytes != 900 || f.Duration != 7_000_000 {
		t.Errorf("a firewall's session: got %+v", f)
	}
	if f := one("a firewall's refusal", v9(firewall, asa(3, 0, 0))); f.State != traffic.Rejected {
		t.Errorf("a firewall's refusal: got %v", f.State)
	}
	if f := one("a probe", v9(probe, set(271, tupleData, uint32(700), uint32(900), uint32(9), byte(0x1b)))); f.OneWay || f.RespBytes != 900 || f.RespPackets != 9 || f.State != traffic.Established {
		t.Errorf("a probe's two directions: got %+v", f)
	}
	if f := one("a mapping that comes and goes", ipfix(natted, set(273, tupleData, byte(4), tupleData, byte(5)))); f.OrigPort != 50000 {
		t.Errorf("a mapping: got %+v", f)
	}
	if f := one("YAF", ipfix(yaf, set(274, tupleData, byte(2), byte(0x18), byte(0x12), uint16(80)))); f.Flags != 0x1a || f.Service != "http" {
		t.Errorf("YAF: got flags %#x and %q", f.Flags, f.Service)
	}
	if f := one("YAF, both ways", ipfix(yafBoth, set(275, tupleData, uint32(5), uint32(4)))); f.OneWay || f.RespPackets != 4 {
		t.Errorf("YAF, both ways: got %+v", f)
	}
	if f := one("n out of N", ipfix(rate, set(276, uint32(1), uint32(2), uint32(2000))), v9(ways, set(272, tupleData, byte(0), uint32(5)))); f.Sampling != 0 {
		t.Errorf("another version's rate is no concern of it: got %d", f.Sampling)
	}
	in := append(message(uint16(2)), ways[2:]...)
	if f := one("n out of N", ipfix(rate, set(276, uint32(1), uint32(2), uint32(2000))), ipfix(in, set(272, tupleData, byte(0), uint32(5)))); f.Sampling != 1000 {
		t.Errorf("2 out of 2,000: got a rate of %d", f.Sampling)
	}
	if b, err := collect(ipfix(in), ipfix(set(2, uint16(2), uint16(0))), ipfix(set(272, tupleData, byte(0), uint32(5)))); err != nil || len(b.Flows) != 0 {
		t.Errorf("all templates withdrawn: got %d flows, %v; want none", len(b.Flows), err)
	}
	b, err := collect(v9(ways, set(272, tupleData, byte(0), uint32(5), tupleData, byte(1), uint32(5))))
	if err != nil || len(b.Flows) != 2 || b.Flows[0].Point == b.Flows[1].Point {
		t.Errorf("one flow at two interfaces: got %+v, %v; want two points", b.Flows, err)
	}
}
