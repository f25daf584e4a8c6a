package capture

import "tocsin/traffic"

// parseProto reads a transport by name or number, in any case; 0 is unknown.
func parseProto(b []byte) uint8 {
	if len(b) > 0 && b[0]-'0' <= 9 {
		if n, ok := parsePort(b); ok && n < 256 {
			return uint8(n)
		}
		return 0
	}
	if len(b) > 12 {
		return 0
	}
	var word [12]byte
	switch string(lower(append(word[:0], b...))) {
	case "tcp":
		return traffic.TCP
	case "udp", "rtp", "udt", "rtcp": // Argus tells RTP and UDT apart from plain UDP
		return traffic.UDP
	case "icmp":
		return traffic.ICMP
	case "ipv6-icmp", "icmpv6", "icmp6":
		return traffic.ICMPv6
	case "igmp":
		return 2
	case "ipip", "ipnip", "ipencap":
		return 4
	case "ipv6":
		return 41
	case "gre":
		return 47
	case "esp":
		return 50
	case "ah":
		return 51
	case "ospf", "ospfigp":
		return 89
	case "pim":
		return 103
	case "vrrp":
		return 112
	case "sctp":
		return traffic.SCTP
	case "udplite":
		return 136
	}
	return 0
}
