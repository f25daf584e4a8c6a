package capture

import "tocsin/traffic"

// queryTypes are the types of IANA's registry of DNS parameters that traffic has.
var queryTypes = map[string]uint16{
	"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "RP": 17, "AFSDB": 18,
	"SIG": 24, "KEY": 25, "AAAA": 28, "LOC": 29, "NXT": 30, "NB": 32, "SRV": 33, "NAPTR": 35, "KX": 36, "CERT": 37, "A6": 38,
	"DNAME": 39, "OPT": 41, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48,
	"DHCID": 49, "NSEC3": 50, "NSEC3PARAM": 51, "TLSA": 52, "SMIMEA": 53, "HIP": 55, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61,
	"CSYNC": 62, "ZONEMD": 63, "SVCB": 64, "HTTPS": 65, "SPF": 99, "EUI48": 108, "EUI64": 109, "TKEY": 249, "TSIG": 250,
	"IXFR": 251, "AXFR": 252, "ANY": 255, "*": 255, "URI": 256, "CAA": 257, "TA": 32768, "DLV": 32769,
}

// queryType reads a type by its name ("AAAA", "TYPE65") or number; 0 is unknown.
func queryType(b []byte) uint16 {
	if n, ok := parsePort(b); ok {
		return n
	}
	if len(b) > 4 && string(b[:4]) == "TYPE" {
		n, _ := parsePort(b[4:])
		return n
	}
	return queryTypes[string(b)]
}

// responseCode reads a code by its name ("NXDOMAIN") or number.
func responseCode(b []byte) int16 {
	if n, ok := parseUint(b); ok && n < 1<<12 {
		return int16(n)
	}
	switch string(b) {
	case "NOERROR":
		return traffic.NoError
	case "FORMERR":
		return 1
	case "SERVFAIL":
		return traffic.ServFail
	case "NXDOMAIN":
		return traffic.NXDomain
	case "NOTIMP":
		return 4
	case "REFUSED":
		return traffic.Refused
	case "YXDOMAIN":
		return 6
	case "YXRRSET":
		return 7
	case "NXRRSET":
		return 8
	case "NOTAUTH":
		return 9
	case "NOTZONE":
		return 10
	case "BADVERS":
		return 16
	}
	return traffic.Unknown
}
