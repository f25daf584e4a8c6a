package sensor

import (
	"net/netip"

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
type known struct{ base *indicator.Base }

func (k known) Clock(name string, a netip.Addr, port uint16, transport uint8) (string, bool) {
	return k.base.Clock(name, a, port, transport)
}

func (k known) Shared(name string, a netip.Addr) (string, bool) {
	return k.base.CommonGround(name, a)
}

func (k known) MatchAddress(e detect.Endpoint, at int64) (detect.Match, bool) {
	return said(k.base.Address(e.Addr, e.Port, at))
}

func (k known) MatchName(name string, at int64) (detect.Match, bool) {
	return said(k.base.Name(name, at))
}

func (k known) MatchURL(host string, port uint16, path string, at int64) (detect.Match, bool) {
	return said(k.base.Request(host, port, path, at))
}

var fingerprints = map[string]indicator.Kind{"ja3": indicator.JA3, "ja4": indicator.JA4, "certificate": indicator.Certificate, "file": indicator.File}

func (k known) MatchFingerprint(kind, value string, at int64) (detect.Match, bool) {
	return said(k.base.Fingerprint(fingerprints[kind], value, at))
}

func said(j indicator.Judgement, ok bool) (detect.Match, bool) {
	if !ok {
		return detect.Match{}, false
	}
	return detect.Match{Indicator: j.Value.String(), Source: j.Source, Family: j.Family, Confidence: j.Certainty,
		Shared: j.Shared, Sinkhole: j.Sinkhole, Reason: j.Reason,
		Mild: j.Class == indicator.Lure || j.Class == indicator.Suspicious || j.Class == indicator.Scanner}, true
}
