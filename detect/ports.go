package detect

import "slices"

// usualPorts are ports above 1023 that programs on a clean desktop or server call
// by default: mostly from the IANA service name and port number registry, and
// from what the makers of push, voice, game, tunnel and monitoring programs publish. A port
// here proves nothing good; one that is missing is one small sign.
var usualPorts = map[uint8][]span{
	TCP: {
		{1119, 1119}, {1194, 1194}, {1433, 1433}, {1521, 1521}, {1701, 1701}, {1723, 1723}, {1863, 1863}, {1883, 1883}, {1935, 1935},
		{2049, 2049}, {2195, 2197}, {3128, 3128}, {3268, 3269}, {3306, 3306}, {3389, 3389}, {3478, 3481}, {3544, 3544},
		{3724, 3724}, {4070, 4070}, {4244, 4244}, {4505, 4506}, {5044, 5044}, {5060, 5061}, {5190, 5190}, {5222, 5223}, {5228, 5230}, {5242, 5243}, {5269, 5269},
		{5349, 5350}, {5432, 5432}, {5666, 5666}, {5671, 5672}, {5900, 5901}, {5938, 5938}, {6379, 6379}, {6514, 6514}, {6568, 6568}, {8000, 8000}, {8008, 8009}, {8080, 8081}, {8443, 8443}, {8530, 8531},
		{8801, 8802}, {8883, 8883}, {9100, 9100}, {9418, 9418}, {9997, 9997}, {10050, 10051}, {11371, 11371}, {17500, 17500}, {22000, 22000}, {22067, 22067}, {27015, 27050}, {32400, 32400}, {50318, 50318},
	},
	UDP: {
		{1194, 1194}, {1701, 1701}, {1812, 1813}, {1900, 1900}, {3074, 3075}, {3389, 3389}, {3478, 3481}, {3544, 3544}, {3702, 3702}, {4500, 4501},
		{5004, 5005}, {5060, 5061}, {5349, 5350}, {5351, 5351}, {5353, 5353}, {5355, 5355}, {8801, 8810},
		{4380, 4380}, {9987, 9987}, {17500, 17500}, {19132, 19132}, {19302, 19309}, {22000, 22000}, {27000, 27100}, {41641, 41641}, {51820, 51820},
	},
}

type span struct{ low, high uint16 }

// usual tells a port that something ordinary listens on.
func usual(e Endpoint) bool {
	if e.Port < 1024 {
		return e.Transport != TCP && e.Transport != UDP || wellKnown[e.Port]
	}
	return slices.ContainsFunc(usualPorts[e.Transport], func(s span) bool { return s.low <= e.Port && e.Port <= s.high })
}

// wellKnown are the ports below 1024 that are in use today.
var wellKnown = map[uint16]bool{
	20: true, 21: true, 22: true, 23: true, 25: true, 37: true, 43: true, 49: true, 53: true, 67: true, 68: true, 69: true, 79: true, 80: true,
	88: true, 110: true, 111: true, 113: true, 119: true, 123: true, 135: true, 137: true, 138: true, 139: true, 143: true, 161: true,
	162: true, 179: true, 194: true, 389: true, 427: true, 443: true, 445: true, 464: true, 465: true, 500: true, 502: true, 514: true, 515: true, 543: true,
	546: true, 547: true, 548: true, 554: true, 563: true, 587: true, 593: true, 631: true, 636: true, 853: true, 873: true, 989: true, 990: true, 993: true, 995: true,
}

// web tells ports on which nearly everything is spoken, so that a regular
// return to them says little by itself.
func web(port uint16) bool {
	return port == 80 || port == 443 || port == 8080 || port == 8443 || port == 853
}

// login tells ports that ask for a password, which is guessed there.
func login(port uint16) (what string, ok bool) {
	switch port {
	case 21:
		return "FTP", true
	case 22, 2222:
		return "SSH", true
	case 23, 2323:
		return "Telnet", true
	case 110, 143, 993, 995:
		return "mailbox", true
	case 445:
		return "SMB", true
	case 1433, 3306, 5432:
		return "database", true
	case 3389:
		return "RDP", true
	case 5900, 5901:
		return "VNC", true
	}
	return "", false
}

// torrent tells the ports that BitTorrent programs open by default (BEP 3 names
// 6881 to 6889; the makers of clients the others).
func torrent(port uint16) bool {
	return port >= 6881 && port <= 6999 || port == 51413 || port == 50321 || port == 49001
}

// Services as the source recognised them, in one octet.
const (
	unrecognised uint8 = iota
	otherService
	dnsService
	httpService
	tlsService
	sshService
	smtpService
	ircService
	ftpService
	ntpService
	torrentService
)

func serviceOf(s string) uint8 {
	switch s {
	case "":
		return unrecognised
	case "dns":
		return dnsService
	case "http":
		return httpService
	case "ssl", "tls", "quic", "ssl,quic", "quic,ssl", "http,ssl", "ssl,http":
		return tlsService
	case "ssh":
		return sshService
	case "smtp", "smtp,ssl", "ssl,smtp":
		return smtpService
	case "irc":
		return ircService
	case "ftp", "ftp-data":
		return ftpService
	case "ntp":
		return ntpService
	case "bittorrent":
		return torrentService
	}
	return otherService
}

// irc tells the ports of Internet Relay Chat (RFC 7194 and long use).
func irc(port uint16) bool { return port >= 6660 && port <= 6669 || port == 7000 || port == 6697 }
