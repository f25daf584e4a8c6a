package capture

import (
	"bytes"
	"strings"

	"tocsin/traffic"
)

// What a table's columns may tell.
const (
	colStart = iota
	colStartMillis
	colEnd
	colEndMillis
	colDuration
	colDurationMicros
	colDurationMillis
	colProto
	colSrc
	colSrcPort
	colDst
	colDstPort
	colDir
	colState
	colFlags
	colPackets // of both directions, or of the one there is
	colBytes
	colTotalPackets // of both directions
	colTotalBytes
	colSrcPackets
	colDstPackets
	colSrcBytes
	colDstBytes
	colSrcIPBytes
	colDstIPBytes
	colSrcPayload
	colDstPayload
	colService
	colPoint
	colSampling
	colSrcData
	colDstData
	tableColumns
)

// tableWords tells what a column means by its name in small letters and digits: the
// names of Argus' ra(1), nfdump(1), SiLK's rwcut(1), CICFlowMeter, NFStream and the
// like.
var tableWords = func() map[string]int {
	words := map[string]int{}
	for at, names := range map[int]string{
		colStart:          "eventstart timeflowstart timeflowstartns starttime stime start ts firstseen datefirstseen dateflowstart timestamp tsstart first flowstart timefirst startdatetime begin time startdate datetime",
		colStartMillis:    "bidirectionalfirstseenms firstseenms flowstartmilliseconds starttimems",
		colEnd:            "last timeflowend eventend lasttime ltime te end endtime lastseen etime flowend timelast tsend",
		colEndMillis:      "bidirectionallastseenms lastseenms flowendmilliseconds endtimems",
		colDuration:       "dur duration td durations durat",
		colDurationMicros: "flowduration durationus",
		colDurationMillis: "bidirectionaldurationms durationms flowdurationmilliseconds",
		colProto:          "networktransport networkiananumber proto protocol pr pro prot ipproto protocolidentifier l4proto transport",
		colSrc:            "src4addr src6addr sourceipv4 sourceipv6 srcip4 clientip srcaddr saddr sa srcip sip sourceip srcipaddr sourceipaddress idorigh origh source srcaddress sourceaddress ipsrc sourceipv4address sourceipv6address origip ipsource",
		colSrcPort:        "sport srcport sp sourceport srcpt idorigp origp sourcetransportport l4srcport srcipport",
		colDst:            "dst4addr dst6addr destinationipv4 destinationipv6 dstip4 serverip dstaddr daddr da dstip dip destip destinationip dstipaddr destinationipaddress idresph resph destination dstaddress destinationaddress ipdst destinationipv4address destinationipv6address respip ipdest",
		colDstPort:        "dport dstport dp dsport destport destinationport dstpt idrespp respp destinationtransportport l4dstport",
		colDir:            "dir direction",
		colState:          "state connstate status",
		colFlags:          "flags flg tcpflags tcpcontrolbits initialflags",
		colPackets:        "inpackets networkpackets packets pkt pkts numpackets inpkts packetdeltacount dpkts",
		colBytes:          "networkbytes bytes byt octets byts numbytes inbytes octetdeltacount",
		colTotalPackets:   "totpkts totalpackets bidirectionalpackets",
		colTotalBytes:     "totbytes totalbytes bidirectionalbytes",
		colSrcPackets:     "sourcepackets srcpkts spkts ipkt origpkts totfwdpkts totalfwdpackets totalfwdpacket srcpackets fwdpackets src2dstpackets pktstoserver fwdpkts",
		colDstPackets:     "destinationpackets dstpkts opkt resppkts totbwdpkts totalbackwardpackets totalbwdpackets dstpackets bwdpackets dst2srcpackets pktstoclient outpkts bwdpkts",
		colSrcBytes:       "sourcebytes srcbytes sbytes ibyt src2dstbytes bytestoserver bytessent",
		colDstBytes:       "destinationbytes dstbytes dbytes obyt dst2srcbytes bytestoclient outbytes bytesreceived",
		colSrcIPBytes:     "srcipbytes origipbytes",
		colDstIPBytes:     "dstipbytes respipbytes",
		colSrcPayload:     "sappbytes origbytes totlenfwdpkts totallengthoffwdpackets totallengthoffwdpacket",
		colDstPayload:     "dappbytes respbytes totlenbwdpkts totallengthofbwdpackets totallengthofbwdpacket",
		colService:        "service appproto applicationname appname l7protoname",
		colPoint:          "ip4router samplersaddress sampleraddress ra router routerip exporter sensor sen node host flowsource",
		colSampling:       "sampling samplinginterval samplingrate samplingratio",
		colSrcData:        "srcudata suser",
		colDstData:        "dstudata duser",
	} {
		for name := range strings.FieldsSeq(names) {
			words[name] = at
		}
	}
	return words
}()

// noTransport reports whether a protocol's word is of a kind that has no addresses of
// the Internet: Argus tells of those too.
func noTransport(v []byte) bool {
	switch string(v) {
	case "arp", "rarp", "llc", "man", "ipx-sap", "ipx", "loop", "lldp", "stp", "cdp", "aarp", "atalk", "eigrp", "mpls", "isis", "ib", "802.3", "ether", "decnet", "moprc", "0x88cc", "0x8899", "unas", "pppoe", "wlccp":
		return true
	}
	return bytes.HasPrefix(v, []byte("ipx")) || bytes.HasPrefix(v, []byte("0x"))
}

// serviceWord folds a recogniser's word for an application to Zeek's.
func serviceWord(v []byte) []byte {
	switch string(v) {
	case "-", "unknown", "failed", "":
		return nil
	case "tls":
		return []byte("ssl")
	}
	return v
}

// times reads start and duration.
func (t *table) times(f *traffic.Flow) (field, reason string) {
	var ok bool
	if v := t.v[colStart]; len(v) >= 8 && v[2] == ':' && v[5] == ':' {
		f.Start, ok = t.days.moment(v)
	} else if v != nil {
		f.Start, ok = parseTableMoment(v)
	} else {
		f.Start, ok = millis(t.v[colStartMillis])
	}
	if !ok {
		return "start", "not a moment between 1970 and 2199"
	}
	f.Duration = traffic.Unknown
	for i, unit := range [3]int64{1, 1_000_000, 1_000} {
		if d, ok := parseMicros(t.v[colDuration+i]); ok && d >= 0 {
			f.Duration = d / unit
			if i == 2 {
				f.Duration = d / 1000
			}
			return "", ""
		}
	}
	end, ok := parseTableMoment(t.v[colEnd])
	if !ok {
		end, ok = millis(t.v[colEndMillis])
	}
	if ok && end >= f.Start {
		f.Duration = end - f.Start
	}
	return "", ""
}

// days dates times of day, as ra writes them unless it is told otherwise: the first is
// of 1970-01-01, and one that is half a day behind or ahead of the row before belongs
// to the next day or the one before.
type days struct {
	last, midnight int64
}

func (d *days) moment(v []byte) (int64, bool) {
	var room [40]byte
	at, ok := parseMoment(append(append(room[:0], "1970-01-01 "...), v[:min(len(v), 20)]...))
	if !ok {
		return 0, false
	}
	const half = 12 * 3_600_000_000
	at += d.midnight
	switch {
	case d.last-at > half:
		d.midnight += 2 * half
		at += 2 * half
	case at-d.last > half && d.midnight > 0 && d.last > 0:
		at -= 2 * half // a straggler: the day stays
		return at, true
	}
	d.last = at
	return at, true
}

func millis(v []byte) (int64, bool) {
	n, ok := parseUint(v)
	return n * 1000, ok && n < maxMoment/1000
}

// parseTableMoment reads a moment as parseMoment does, and those that spreadsheets and
// CICFlowMeter write (24/11/2026 03:00:00 AM), and whole milliseconds.
func parseTableMoment(v []byte) (int64, bool) {
	if n, ok := parseUint(v); ok && n > 100_000_000_000 && n < maxMoment/1000 {
		return n * 1000, true
	}
	if len(v) > 4 && v[4] == '/' && len(v) > 10 && v[10] == 'T' {
		v[10] = ' ' // SiLK: 2026/11/24T03:00:00.000
	}
	if at, ok := parseMoment(v); ok {
		return at, true
	}
	return parseDayFirst(v)
}

// parseDayFirst reads DD/MM/YYYY hh:mm[:ss[.fraction]] [AM|PM].
func parseDayFirst(v []byte) (int64, bool) {
	pm, am := bytes.HasSuffix(v, []byte(" PM")), bytes.HasSuffix(v, []byte(" AM"))
	if pm || am {
		v = v[:len(v)-3]
	}
	var room [40]byte
	if len(v) < 14 || len(v) > 30 || bytes.Count(v[:10], []byte("/")) != 2 {
		return 0, false
	}
	date, clock, _ := bytes.Cut(v, []byte(" "))
	parts := bytes.Split(date, []byte("/"))
	if len(parts) != 3 || len(parts[2]) != 4 || len(parts[0]) > 2 || len(parts[1]) > 2 {
		return 0, false
	}
	out := append(room[:0], parts[2]...)
	for _, p := range [][]byte{parts[1], parts[0]} {
		out = append(out, '-')
		if len(p) == 1 {
			out = append(out, '0')
		}
		out = append(out, p...)
	}
	out = append(out, ' ')
	if colon := bytes.IndexByte(clock, ':'); colon == 1 {
		out = append(out, '0')
	}
	out = append(out, clock...)
	if len(out) == 16 {
		out = append(out, ":00"...)
	}
	at, ok := parseMoment(out)
	hour := at / 3_600_000_000 % 24
	if ok && pm && hour < 12 {
		at += 12 * 3_600_000_000
	}
	if ok && am && hour == 12 {
		at -= 12 * 3_600_000_000
	}
	return at, ok
}

// ports reads the ports, which ra writes as names if nobody stops it, and for ICMP in
// hexadecimal.
func (t *table) ports(f *traffic.Flow) (field, reason string) {
	var ok bool
	if f.OrigPort, ok = parseTablePort(t.v[colSrcPort]); !ok && !named(t.v[colSrcPort]) {
		return "source port", "not a port"
	}
	// A client's port that happens to have a name is worth no row; a server's is.
	if f.RespPort, ok = parseTablePort(t.v[colDstPort]); !ok && named(t.v[colDstPort]) {
		return "destination port", "a name that isn't known: write ports as numbers (ra -n)"
	} else if !ok {
		return "destination port", "not a port"
	}
	if f.Proto == traffic.ICMP || f.Proto == traffic.ICMPv6 {
		if f.OrigPort > 255 || f.RespPort > 255 { // sequence numbers and the like
			f.OrigPort, f.RespPort = f.OrigPort&255, 0
		}
	}
	return "", ""
}

// named reports whether a port is written as a service's name.
func named(v []byte) bool { return len(v) > 1 && lower(v[:1])[0]-'a' < 26 }

var portNames = map[string]uint16{
	"ftp": 21, "ftp-data": 20, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "http": 80, "www": 80,
	"kerberos": 88, "pop3": 110, "sunrpc": 111, "auth": 113, "nntp": 119, "ntp": 123, "epmap": 135, "netbios-ns": 137, "netbios-dgm": 138,
	"netbios-ssn": 139, "imap": 143, "imap2": 143, "snmp": 161, "snmp-trap": 162, "bgp": 179, "irc": 194, "ldap": 389, "https": 443,
	"microsoft-ds": 445, "submission": 587, "ssmtp": 465, "smtps": 465, "ldaps": 636, "imaps": 993, "pop3s": 995, "socks": 1080, "ms-sql-s": 1433,
	"ms-sql-m": 1434, "ssdp": 1900, "nfs": 2049, "mysql": 3306, "ms-wbt-server": 3389, "rfb": 5900, "postgresql": 5432, "mdns": 5353,
	"llmnr": 5355, "ircd": 6667, "http-alt": 8080, "http-proxy": 8080,
}

func parseTablePort(v []byte) (uint16, bool) {
	if len(v) == 0 || string(v) == "-" || string(v) == "*" {
		return 0, true
	}
	if len(v) > 2 && v[0] == '0' && (v[1] == 'x' || v[1] == 'X') {
		n := uint32(0)
		for _, c := range v[2:] {
			h := hexDigit(c)
			if h > 15 || n > 0xfff {
				return 0, false
			}
			n = n<<4 | uint32(h)
		}
		return uint16(n), true
	}
	if n, ok := parsePort(v); ok {
		return n, true
	}
	if whole, ok := bytes.CutSuffix(v, []byte(".0")); ok {
		return parsePort(whole)
	}
	if major, _, ok := bytes.Cut(v, []byte(".")); ok { // nfdump writes ICMP's type.code so
		return parsePort(major)
	}
	n, ok := portNames[string(v)]
	return n, ok
}
