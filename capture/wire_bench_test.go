package capture

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"tocsin/traffic"
)

// BenchmarkPcap reads packets of web requests from many clients; a row is a packet.
func BenchmarkPcap(b *testing.B) {
	s := newScript(b)
	for i := range 2000 {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), uint16(1024+i))
		s.open(from, server)
		s.tcp(from, server, "PA", get)
		s.tcp(server, from, "PA", ok+strings.Repeat("x", 1000))
		s.tcp(server, from, "PA", strings.Repeat("x", 1400))
		s.tcp(from, server, "A", "")
		s.end(from, server)
	}
	measure(b, "day.pcap", s.pcap())
}

// BenchmarkCollector reads NetFlow 9 of 25 flows a datagram; a row is a flow.
func BenchmarkCollector(b *testing.B) {
	c := NewCollector()
	var batch traffic.Batch
	first := v9(template9)
	body := data9(0x1b)
	records := bytes.Repeat(body[4:len(body)-2], 25)
	datagram := v9(set(256, records))
	if err := c.Datagram(exporter, 0, first, &batch); err != nil {
		b.Fatal(err)
	}
	before, flows := spent(), int64(0)
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		for range 40 {
			if err := c.Datagram(exporter, 0, datagram, &batch); err != nil {
				b.Fatal(err)
			}
		}
		flows += int64(len(batch.Flows))
	}
	if flows == 0 || len(batch.Flows) != 1000 {
		b.Fatalf("%d flows a round, want 1000", len(batch.Flows))
	}
	b.ReportMetric(float64(flows)/(spent()-before).Seconds(), "rows/cpu-s")
}

// BenchmarkArgus reads flow records as text.
func BenchmarkArgus(b *testing.B) {
	text := "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n" +
		strings.Repeat("2026/11/24 03:00:00.000001,0.027947,tcp,192.0.2.7,48427,   ->,198.51.100.2,443,FSPA_FSPA,0,0,20,14200,6300,flow=x\n", 20_000)
	measure(b, "day.binetflow", []byte(text))
}
