package indicator

import (
	"strconv"
	"strings"
	"time"
)

// column is what a list's column means.
type column uint8

const (
	noColumn column = iota
	columnValue
	columnAddress
	columnName
	columnURL
	columnHash
	columnJA3
	columnJA4
	columnCertificate
	columnType
	columnPort
	columnFamily
	columnFamilyPrinted
	columnAbout
	columnConfidence
	columnFirst
	columnLast
	columnExpires
	columnSource
	columnDetect
)

// columnWords are the names that columns have, in lower case with _ for blanks and
// hyphens, as abuse.ch, MISP, Zeek, C2 trackers and those who follow them write.
var columnWords = map[string]column{
	"ioc": columnValue, "ioc_value": columnValue, "indicator": columnValue, "value": columnValue, "observable": columnValue, "artifact": columnValue,
	"ip": columnAddress, "ip_address": columnAddress, "ipaddress": columnAddress, "dst_ip": columnAddress, "dstip": columnAddress, "ip_dst": columnAddress, "ipv4": columnAddress, "ipv6": columnAddress, "address": columnAddress, "cidr": columnAddress, "network": columnAddress, "prefix": columnAddress, "subnet": columnAddress,
	"domain": columnName, "hostname": columnName, "fqdn": columnName, "host": columnName, "domain_name": columnName,
	"url": columnURL, "uri": columnURL,
	"md5": columnHash, "md5_hash": columnHash, "sha1": columnHash, "sha1_hash": columnHash, "sha256": columnHash, "sha256_hash": columnHash, "hash": columnHash, "file_hash": columnHash,
	"ja3": columnJA3, "ja3_md5": columnJA3, "ja3_hash": columnJA3, "ja3_fingerprint": columnJA3,
	"ja4": columnJA4, "ja4_fingerprint": columnJA4,
	"cert_sha1": columnCertificate, "certificate": columnCertificate, "cert_hash": columnCertificate, "ssl_fingerprint": columnCertificate,
	"type": columnType, "ioc_type": columnType, "indicator_type": columnType,
	"port": columnPort, "dst_port": columnPort, "dstport": columnPort,
	"malware": columnFamily, "family": columnFamily, "malware_family": columnFamily, "malware_printable": columnFamilyPrinted, "fk_malware": columnFamily, "signature": columnFamily,
	"threat": columnAbout, "listingreason": columnAbout, "reason": columnAbout, "meta.desc": columnAbout, "comment": columnAbout, "description": columnAbout,
	"confidence": columnConfidence, "confidence_level": columnConfidence, "score": columnConfidence,
	"first_seen": columnFirst, "first_seen_utc": columnFirst, "firstseen": columnFirst, "first_observed": columnFirst, "dateadded": columnFirst, "date_added": columnFirst, "date": columnFirst, "listingdate": columnFirst, "created": columnFirst, "valid_from": columnFirst,
	"last_seen": columnLast, "last_seen_utc": columnLast, "lastseen": columnLast, "last_online": columnLast, "last_observed": columnLast,
	"expires": columnExpires, "expiry": columnExpires, "expiration": columnExpires, "valid_until": columnExpires,
	"source": columnSource, "meta.source": columnSource, "feed": columnSource,
	"to_ids": columnDetect,
}

// columnOf gives what a column means by its name.
func columnOf(name string) column {
	s := strings.ToLower(strings.Trim(name, " \"#"))
	return columnWords[strings.NewReplacer(" ", "_", "-", "_").Replace(s)]
}

// valued reports whether a column holds indicators.
func (c column) valued() bool { return c >= columnValue && c <= columnCertificate }

// columnsOf reads a header; ok is false for a line that is none. A column "ioc"
// beside one that tells its kind is what the list says about the indicator, and the
// SHA1 of a list with reasons (SSLBL) is a certificate's.
func columnsOf(header []string) (columns []column, ok bool) {
	plain, telling, known := 0, 0, 0
	for _, name := range header {
		c := columnOf(name)
		columns = append(columns, c)
		switch {
		case c == columnValue:
			plain++
		case c.valued():
			telling++
		}
		if c != noColumn {
			known++
		}
	}
	for i, c := range columns {
		switch {
		case c == columnValue && telling > 0:
			columns[i] = columnAbout
		case c == columnHash && len(columns) == 3 && strings.EqualFold(strings.TrimSpace(header[2]), "listingreason"):
			columns[i] = columnCertificate
		}
	}
	return columns, plain+telling > 0 && known > 1
}

// row is one record of a table or a JSON list, by what its parts mean.
type row struct {
	values []cell
	port   string
	kind   string // what type the list says the values are of
	claim  Claim
	about  string
	unfit  bool // not for detection, says the list
}

// cell is a value and the column it stands in.
type cell struct {
	column column
	text   string
}

func (r *row) reset(source string) { *r = row{values: r.values[:0], claim: Claim{Source: source}} }

// set takes one field. "-" and "(empty)" are how Zeek writes nothing.
func (r *row) set(c column, text string) {
	text = strings.TrimSpace(text)
	if text == "" || text == "-" || text == "(empty)" || text == "None" || text == "null" {
		return
	}
	switch c {
	case columnType:
		r.kind = strings.ToLower(text)
	case columnPort:
		r.port = text
	case columnFamily:
		if r.claim.Family == "" {
			r.claim.Family = familyOf(text)
		}
	case columnFamilyPrinted:
		if family := familyOf(text); family != "" {
			r.claim.Family = family
		}
	case columnAbout:
		r.about = text
	case columnConfidence:
		r.claim.Confidence = percentOf(text)
	case columnFirst:
		r.claim.First = momentOf(text)
	case columnLast:
		r.claim.Last = momentOf(text)
	case columnExpires:
		r.claim.Expires = momentOf(text)
	case columnSource:
		r.claim.Source = text
	case columnDetect:
		r.unfit = text == "0" || strings.EqualFold(text, "false")
	case noColumn:
	default:
		r.values = append(r.values, cell{c, text})
	}
}

// percentOf reads a confidence: 0 to 100, a fraction of one with a point in it, or a
// word. 0 stands for one that can't be read, and a told 0 becomes 1.
func percentOf(text string) uint8 {
	switch strings.ToLower(text) {
	case "high":
		return 85
	case "medium", "moderate":
		return 60
	case "low":
		return 30
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || f < 0 || f > 100 {
		return 0
	}
	if f <= 1 && strings.Contains(text, ".") {
		f *= 100
	}
	return uint8(max(f, 1))
}

// momentLayouts are how lists write moments; without a zone it is UTC.
var momentLayouts = []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02", "2006/01/02", "2006-01-02 15:04"}

// momentOf reads a moment, in seconds since 1970; 0 if it can't be read.
func momentOf(text string) uint32 {
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return seconds(t)
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || f < 1:
		return 0
	case f > 1e14:
		f /= 1e6
	case f > 1e11:
		f /= 1e3
	}
	if f > 0xffffffff {
		return 0
	}
	return uint32(f)
}

// indicators gives the row's indicators to yield, and to refuse the texts that are
// none.
func (r *row) indicators(p *parser, yield func(Indicator) error, refuse func(text string, err error)) error {
	if r.unfit {
		refuse(r.first(), fault("the list says that it isn't for detection"))
		return nil
	}
	if len(r.values) == 0 {
		refuse("", errEmpty)
		return nil
	}
	if r.claim.Family == "" {
		r.claim.Family = familyOf(r.about)
	}
	if r.claim.Class == Unsaid && r.claim.Family != "" {
		r.claim.Class = Malware
	}
	for _, c := range r.values {
		v, err := r.value(p, c)
		if err == nil {
			err = yield(Indicator{v, r.claim})
			if err != nil && !isFault(err) {
				return err
			}
		}
		if err != nil {
			refuse(c.text, err)
		}
	}
	return nil
}

func (r *row) first() string {
	if len(r.values) > 0 {
		return r.values[0].text
	}
	return ""
}

// foreign are the types that lists have and traffic doesn't show, or not so that a
// match would mean anything.
var foreign = []string{"email", "user_name", "software", "file_name", "filename", "pubkey", "mutex", "regkey", "yara", "btc", "comment", "text", "link", "asn", "as", "user-agent", "size-in-bytes", "mime-type", "vulnerability"}

// value reads one cell, as what its column or the row's type says it is.
func (r *row) value(p *parser, c cell) (Value, error) {
	kind := strings.TrimPrefix(r.kind, "intel::")
	for _, f := range foreign {
		if kind == f || strings.HasPrefix(kind, f+"-") || strings.HasPrefix(kind, f+"|") {
			return Value{}, fault("what is of type " + kind + " isn't looked for in traffic")
		}
	}
	text := c.text
	if strings.Contains(kind, "|") { // MISP writes pairs: ip-dst|port, domain|ip, filename|md5
		a, b, _ := strings.Cut(text, "|")
		if text = a; strings.HasSuffix(kind, "|port") {
			r.port = b
		}
	}
	v, err := p.parse([]byte(text))
	if err != nil {
		return v, err
	}
	return r.typed(v, c.column, kind)
}

// typed settles what a text alone doesn't tell: what a hash is of, and the port.
func (r *row) typed(v Value, c column, kind string) (Value, error) {
	if v.Kind == File && len(v.Text) == 32 && (c == columnJA3 || strings.Contains(kind, "ja3")) {
		v.Kind = JA3
	}
	if v.Kind == File && (c == columnCertificate || strings.Contains(kind, "cert") || strings.Contains(kind, "x509") || strings.HasPrefix(kind, "ssl")) {
		v.Kind = Certificate
	}
	if v.Kind == Address && r.port != "" && r.port != "0" {
		port, ok := number([]byte(r.port), 65535)
		if !ok {
			return Value{}, errPort
		}
		v.Kind, v.Port = Endpoint, uint16(port)
	}
	return v, nil
}
