package sensor

import (
	"net/netip"
	"strings"
	"unsafe"

	"tocsin/detect"
	"tocsin/indicator"
)

// NewBench lets detectors ask a base. Without matching they ask it for benign clocks
// and shared infrastructure alone.
func NewBench(base *indicator.Base, matching bool) *detect.Bench {
	b := &detect.Bench{Clocks: known{base}}
	if matching && base.Set != nil {
		b.Matcher = known{base}
	}
	return b
}

// known speaks detect's words for an indicator.Base.
type known struct{ *indicator.Base }

var fingerprints = map[string]indicator.Kind{"ja3": indicator.JA3, "ja4": indicator.JA4, "certificate": indicator.Certificate, "file": indicator.File}

func (k known) MatchAddress(a netip.Addr, port uint16, transport uint8) (detect.Match, bool) {
	j, ok := k.Base.Address(a, port, 0)
	if !ok {
		return detect.Match{}, false
	}
	return match(j), true
}

func (k known) MatchName(name []byte) (detect.Match, bool) {
	j, ok := k.Base.Name(text(name), 0)
	if !ok {
		return detect.Match{}, false
	}
	return match(j), true
}

func (k known) MatchURL(host, path []byte) (detect.Match, bool) {
	j, ok := k.Base.Request(text(host), 0, text(path), 0)
	if !ok {
		return detect.Match{}, false
	}
	return match(j), true
}

func (k known) MatchFingerprint(kind string, value []byte) (detect.Match, bool) {
	j, ok := k.Base.Fingerprint(fingerprints[kind], text(value), 0)
	if !ok {
		return detect.Match{}, false
	}
	return match(j), true
}

func (k known) Clock(name string, a netip.Addr, port uint16, transport uint8) (string, bool) {
	return k.Base.Clock(name, a, port, transport)
}

func (k known) Shared(name string, a netip.Addr) (string, bool) { return k.Base.CommonGround(name, a) }

// text gives octets that are asked about and not kept as a string without copying
// them; what is kept of an answer, match copies.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func match(j indicator.Judgement) detect.Match {
	return detect.Match{Indicator: strings.Clone(j.Value.String()), Source: j.Source, Family: j.Family,
		Confidence: j.Certainty, Shared: j.Shared, Sinkhole: j.Sinkhole, Reason: j.Reason}
}
