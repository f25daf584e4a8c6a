package web

import (
	"strconv"
	"time"
	"unicode/utf8"

	"tocsin/casebook"
)

// appendFinding appends a finding as one JSON object without a line's end.
func appendFinding(b []byte, f *casebook.Finding) []byte {
	b = append(b, `{"kind":"finding","id":"`...)
	b = append(b, f.ID.Text(casebook.FindingPrefix)...)
	b = append(b, `","threat":"`...)
	b = append(b, f.Threat.Text(casebook.ThreatPrefix)...)
	b = append(b, `","asset_kind":"`...)
	b = append(b, f.Asset.Kind.String()...)
	b = append(b, `","asset":`...)
	if f.Asset.Addr.IsValid() {
		b = append(b, '"')
		b = f.Asset.Append(b)
		b = append(b, '"')
	} else {
		b = appendText(b, f.Asset.Name)
	}
	b = strconv.AppendUint(append(b, `,"port":`...), uint64(f.Port), 10)
	b = strconv.AppendUint(append(b, `,"asn":`...), uint64(f.ASN), 10)
	b = appendText(append(b, `,"holder":`...), f.Holder)
	b = appendText(append(b, `,"family":`...), f.Family)
	b = appendText(append(b, `,"type":`...), f.Type.String())
	b = appendText(append(b, `,"role":`...), f.Role.String())
	b = appendText(append(b, `,"severity":`...), f.Severity.String())
	b = appendText(append(b, `,"state":`...), f.State.String())
	b = f.FirstSeen.UTC().AppendFormat(append(b, `,"first_seen":"`...), time.RFC3339Nano)
	b = f.LastSeen.UTC().AppendFormat(append(b, `","last_seen":"`...), time.RFC3339Nano)
	b = strconv.AppendInt(append(b, `","days":`...), int64(f.Days.Len()), 10)
	b = strconv.AppendInt(append(b, `,"count":`...), f.Count, 10)
	b = strconv.AppendInt(append(b, `,"relapses":`...), int64(f.Relapses), 10)
	b = appendText(append(b, `,"party":`...), f.Party)
	b = appendText(append(b, `,"region":`...), f.Mark.Region)
	b = appendText(append(b, `,"tlp":`...), f.Mark.TLP.String())
	b = strconv.AppendBool(append(b, `,"exercise":`...), f.Mark.Exercise)
	return append(b, '}')
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string (RFC 8259, section 7). What isn't UTF-8
// becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0 // what follows from here on stands for itself
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				b = append(b, s[from:i]...)
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
				from = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[from:i]...)
			b = utf8.AppendRune(b, utf8.RuneError)
			from = i + 1
		}
		i += size
	}
	return append(append(b, s[from:]...), '"')
}
