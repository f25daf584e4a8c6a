package casebook

import (
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the observation as one JSON object on one line, without a
// newline: the shape that `tocsin parse` prints. Words are written as String
// writes them, the key in hexadecimal, the confidence from 0 to 1, the moment in
// RFC 3339 and UTC. What the observation doesn't tell (identifier, family,
// transport, peer, extra) is left out. Octets that aren't UTF-8 become U+FFFD,
// and control characters, NUL among them, are escaped, so that the line is valid
// JSON (RFC 8259) whatever the source wrote.
func (o *Observation) AppendJSON(b []byte) []byte {
	b = append(b, `{"kind":"observation","key":"`...)
	b = hex.AppendEncode(b, o.Key[:])
	b = appendMember(b, `","source":`, o.Source)
	b = append(b, `,"class":"`...)
	b = append(b, o.Type.Class()...)
	b = append(b, `","type":"`...)
	b = append(b, o.Type.String()...)
	b = append(b, `","role":"`...)
	b = append(b, o.Role.String()...)
	b = append(b, `","severity":"`...)
	b = append(b, o.Severity.String()...)
	b = append(b, `","confidence":`...)
	b = appendPermille(b, o.Confidence)
	b = append(b, `,"tlp":"`...)
	b = append(b, o.TLP.String()...)
	b = append(b, '"')
	b = appendTold(b, `,"identifier":`, o.Identifier)
	b = appendTold(b, `,"family":`, o.Family)
	b = appendJSONAsset(b, "", o.Asset)
	b = append(b, `,"port":`...)
	b = strconv.AppendUint(b, uint64(o.Port), 10)
	if o.Transport != TransportUnknown {
		b = append(b, `,"transport":"`...)
		b = append(b, o.Transport.String()...)
		b = append(b, '"')
	}
	if !o.Peer.IsZero() {
		b = appendJSONAsset(b, "peer_", o.Peer)
	}
	if o.PeerPort != 0 {
		b = append(b, `,"peer_port":`...)
		b = strconv.AppendUint(b, uint64(o.PeerPort), 10)
	}
	b = append(b, `,"observed_at":"`...)
	b = appendMoment(b, o.ObservedAt)
	b = append(b, `","row":`...)
	b = strconv.AppendInt(b, o.Row, 10)
	b = appendExtra(b, o.Extra)
	return append(b, '}')
}

func appendExtra(b []byte, extra []Field) []byte {
	if len(extra) == 0 {
		return b
	}
	b = append(b, `,"extra":`...)
	opener := byte('{')
	for i := range extra {
		b = append(b, opener)
		b = appendText(b, extra[i].Name)
		b = append(b, ':')
		b = appendText(b, extra[i].Value)
		opener = ','
	}
	return append(b, '}')
}

func appendTold(b []byte, label, value string) []byte {
	if value == "" {
		return b
	}
	return appendMember(b, label, value)
}

func appendMember(b []byte, label, value string) []byte {
	b = append(b, label...)
	return appendText(b, value)
}

// appendJSONAsset writes ,"asset_kind":…,"asset":… or, for a peer, ,"peer_kind":…,"peer":….
func appendJSONAsset(b []byte, peer string, a Asset) []byte {
	if peer == "" {
		b = append(b, `,"asset_kind":"`...)
	} else {
		b = append(b, `,"peer_kind":"`...)
	}
	b = append(b, a.Kind.String()...)
	if peer == "" {
		b = append(b, `","asset":`...)
	} else {
		b = append(b, `","peer":`...)
	}
	if _, isRange := a.Prefix(); !isRange {
		return appendText(b, a.Name)
	}
	b = append(b, '"')
	b = a.Append(b)
	return append(b, '"')
}

// appendPermille writes thousandths as a decimal fraction: 900 is 0.9.
func appendPermille(b []byte, n uint16) []byte {
	b = strconv.AppendUint(b, uint64(n/1000), 10)
	rest := n % 1000
	if rest == 0 {
		return b
	}
	b = append(b, '.', '0'+byte(rest/100))
	if rest%100 != 0 {
		b = append(b, '0'+byte(rest/10%10))
	}
	if rest%10 != 0 {
		b = append(b, '0'+byte(rest%10))
	}
	return b
}

// appendMoment writes RFC 3339 in UTC with as many digits of the second as the
// moment has. A year that RFC 3339 can't write is held at its bound.
func appendMoment(b []byte, t time.Time) []byte {
	t = t.UTC()
	switch year := t.Year(); {
	case year < 0:
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	case year > 9999:
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t.AppendFormat(b, time.RFC3339Nano)
}

// plain marks the octets that a JSON string holds as they are.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const hexDigits = "0123456789abcdef"

// appendText writes a JSON string.
func appendText[T string | []byte](b []byte, s T) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		size := 1
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
			b = utf8.AppendRune(b, r)
		}
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
