package capture

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

var (
	client  = netip.MustParseAddrPort("192.0.2.7:50000")
	server  = netip.MustParseAddrPort("198.51.100.2:80")
	begin   = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	macFrom = net.HardwareAddr{2, 0, 0, 0, 0, 1}
	macTo   = net.HardwareAddr{2, 0, 0, 0, 0, 2}
)

// script writes packets by gopacket, a library of its own, a millisecond apart.
type script struct {
	t       testing.TB
	at      time.Time
	packets [][]byte
	times   []time.Time
	seq     map[netip.AddrPort]uint32
}

func newScript(t testing.TB) *script {
	return &script{t: t, at: begin, seq: map[netip.AddrPort]uint32{}}
}

// layersOf gives the link and network layers between two addresses.
func layersOf(from, to netip.Addr, proto layers.IPProtocol) (layers.Ethernet, gopacket.NetworkLayer, gopacket.SerializableLayer) {
	eth := layers.Ethernet{SrcMAC: macFrom, DstMAC: macTo, EthernetType: layers.EthernetTypeIPv4}
	if from.Is6() {
		eth.EthernetType = layers.EthernetTypeIPv6
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
		return eth, ip, ip
	}
	ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: proto, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
	return eth, ip, ip
}

func (s *script) add(parts ...gopacket.SerializableLayer) {
	s.t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, parts...); err != nil {
		s.t.Fatal(err)
	}
	s.packets = append(s.packets, bytes.Clone(b.Bytes()))
	s.times = append(s.times, s.at)
	s.at = s.at.Add(time.Millisecond)
}

// tcp writes a segment and keeps the sender's sequence numbers.
func (s *script) tcp(from, to netip.AddrPort, flags string, payload string) {
	s.t.Helper()
	eth, network, ip := layersOf(from.Addr(), to.Addr(), layers.IPProtocolTCP)
	tcp := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: 1000 + s.seq[from], Window: 1000}
	n := uint32(len(payload))
	for _, f := range flags {
		switch f {
		case 'S':
			tcp.SYN = true
			n++
		case 'A':
			tcp.ACK = true
		case 'F':
			tcp.FIN = true
			n++
		case 'R':
			tcp.RST = true
		case 'P':
			tcp.PSH = true
		}
	}
	s.seq[from] += n
	tcp.SetNetworkLayerForChecksum(network)
	s.add(&eth, ip, tcp, gopacket.Payload(payload))
}

func (s *script) udp(from, to netip.AddrPort, payload string) {
	s.t.Helper()
	eth, network, ip := layersOf(from.Addr(), to.Addr(), layers.IPProtocolUDP)
	udp := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}
	udp.SetNetworkLayerForChecksum(network)
	s.add(&eth, ip, udp, gopacket.Payload(payload))
}

// open and end are the handshakes at both ends of a TCP connection.
func (s *script) open(from, to netip.AddrPort) {
	s.tcp(from, to, "S", "")
	s.tcp(to, from, "SA", "")
	s.tcp(from, to, "A", "")
}

func (s *script) end(from, to netip.AddrPort) {
	s.tcp(from, to, "FA", "")
	s.tcp(to, from, "FA", "")
	s.tcp(from, to, "A", "")
}

// pcap gives the packets as a file.
func (s *script) pcap() []byte { return s.file(layers.LinkTypeEthernet, nil) }

// file gives the packets as a file of a link type, each changed by f.
func (s *script) file(link layers.LinkType, f func(packet []byte) []byte) []byte {
	s.t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriter(&b)
	if err := w.WriteFileHeader(65535, link); err != nil {
		s.t.Fatal(err)
	}
	for i, p := range s.packets {
		if f != nil {
			p = f(p)
		}
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: s.times[i], CaptureLength: len(p), Length: len(p)}, p); err != nil {
			s.t.Fatal(err)
		}
	}
	return b.Bytes()
}

// pcapng gives the packets as a file of the newer kind.
func (s *script) pcapng() []byte {
	s.t.Helper()
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, p := range s.packets {
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: s.times[i], CaptureLength: len(p), Length: len(p)}, p); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		s.t.Fatal(err)
	}
	return b.Bytes()
}

func (s *script) read() everything {
	s.t.Helper()
	return readAll(s.t, "script.pcap", bytes.NewReader(s.pcap()))
}
