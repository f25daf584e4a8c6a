package sensor

import (
	"net/netip"

	"tocsin/detect"
	"tocsin/indicator"
)

// Knowledge makes a bench of what is known: indicators, warning lists, and the
// program's own table of benign clocks. Without indicators it answers for the
// clocks and shared networks only.
func Knowledge(base *indicator.Base, indicators bool) *detect.Bench {
	k := knowledge{base}
	b := &detect.Bench{Clocks: k}
	if indicators {
		b.Matcher = k
	}
	return b
}

// knowledge answers detectors in their own words.
type knowledge struct{ base *indicator.Base }

func (k knowledge) Clock(name string, a netip.Addr, port uint16, transport uint8) (string, bool) {
	return k.base.Clock(name, a, port, transport)
}

func (k knowledge) Shared(name string, a netip.Addr) (string, bool) {
	return k.base.CommonGround(name, a)
}

func (k knowledge) MatchAddress(e detect.Endpoint, at int64) (detect.Match, bool) {
	return said(k.base.Address(e.Addr, e.Port, at))
}

func (k knowledge) MatchName(name string, at int64) (detect.Match, bool) {
	return said(k.base.Name(name, at))
}

func (k knowledge) MatchURL(host string, port uint16, path string, at int64) (detect.Match, bool) {
	return said(k.base.Request(host, port, path, at))
}

var fingerprints = map[string]indicator.Kind{"ja3": indicator.JA3, "ja4": indicator.JA4, "certificate": indicator.Certificate, "file": indicator.File}

func (k knowledge) MatchFingerprint(kind, value string, at int64) (detect.Match, bool) {
	return said(k.base.Fingerprint(fingerprints[kind], value, at))
}

func said(j indicator.Judgement, known bool) (detect.Match, bool) {
	if !known {
		return detect.Match{}, false
	}
	return detect.Match{Indicator: j.Value.String(), Source: j.Source, Family: j.Family, Confidence: j.Certainty,
		Shared: j.Shared, Sinkhole: j.Sinkhole, Reason: j.Reason}, true
}
