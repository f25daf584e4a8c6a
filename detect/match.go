package detect

import (
	"net/netip"
	"strings"

	"tocsin/traffic"
)

// mark is a sighting of something known bad, or of another sensor's alert, by one
// host: many of the same are one mark with a count.
type mark struct {
	markKey
	match       Match
	count       int64
	first, last int64
	alert       string // another sensor's words, "" for an indicator
	severity    int16
	outside     bool // of an alert: the other end isn't at home
}

type markKey struct {
	what string // "address", "name", "url", "ja3", "ja4", "certificate", "file", "alert"
	key  string
	peer Endpoint
}

// note counts a mark; it stays within maxMarks of one host.
func (h *host) note(k markKey, at int64) *mark {
	if m := h.marks[k]; m != nil {
		m.count++
		m.first, m.last = min(m.first, at), max(m.last, at)
		return m
	}
	if len(h.marks) >= maxMarks {
		return nil
	}
	if h.marks == nil {
		h.marks = map[markKey]*mark{}
	}
	k.key = strings.Clone(k.key)
	m := &mark{markKey: k, count: 1, first: at, last: at}
	h.marks[k] = m
	return m
}

func (h *host) matched(k markKey, m Match, at int64) {
	if n := h.note(k, at); n != nil {
		n.match = m
	}
}

func (w *Watch) matchAddress(h *host, f *traffic.Flow) {
	e := Endpoint{f.Resp, f.RespPort, f.Proto}
	if m, ok := w.bench.Matcher.MatchAddress(e, f.Start); ok {
		h.matched(markKey{"address", m.Indicator, e}, m, f.Start)
	}
}

func (w *Watch) matchLookup(h *host, l *traffic.Lookup) {
	if m, ok := w.bench.Matcher.MatchName(l.Query, l.At); ok {
		h.matched(markKey{what: "name", key: m.Indicator}, m, l.At)
	}
}

func (w *Watch) matchRequest(h *host, r *traffic.Request) {
	e := Endpoint{r.Server, r.ServerPort, traffic.TCP}
	if m, ok := w.bench.Matcher.MatchURL(r.Host, r.ServerPort, r.URI, r.At); ok {
		h.matched(markKey{"url", m.Indicator, e}, m, r.At)
	}
	if m, ok := w.bench.Matcher.MatchName(r.Host, r.At); ok {
		h.matched(markKey{"name", m.Indicator, e}, m, r.At)
	}
}

func (w *Watch) matchHandshake(h *host, s *traffic.Handshake) {
	e := Endpoint{s.Server, s.ServerPort, max(s.Proto, traffic.TCP)}
	for _, f := range [...]struct{ kind, value string }{
		{"ja3", s.JA3}, {"ja4", s.JA4}, {"certificate", s.CertSHA1}, {"certificate", s.CertSHA256},
	} {
		if f.value == "" {
			continue
		}
		if m, ok := w.bench.Matcher.MatchFingerprint(f.kind, f.value, s.At); ok {
			h.matched(markKey{f.kind, m.Indicator, e}, m, s.At)
		}
	}
	if s.SNI != "" {
		if m, ok := w.bench.Matcher.MatchName(s.SNI, s.At); ok {
			h.matched(markKey{"name", m.Indicator, e}, m, s.At)
		}
	}
}

// File takes a file that a host at home sent or received.
func (w *Watch) File(f *traffic.File, at netip.Addr) {
	if w.bench.Matcher == nil {
		return
	}
	h := w.host(at, f.At)
	if h == nil {
		return
	}
	peer, port := f.Sender, f.SenderPort
	if at == f.Sender {
		peer, port = f.Receiver, f.ReceiverPort
	}
	kind := "file"
	if f.Certificate {
		kind = "certificate"
	}
	for _, value := range [...]string{f.MD5, f.SHA1, f.SHA256} {
		if value == "" {
			continue
		}
		if m, ok := w.bench.Matcher.MatchFingerprint(kind, value, f.At); ok {
			h.matched(markKey{kind, m.Indicator, Endpoint{peer, port, traffic.TCP}}, m, f.At)
		}
	}
}

// Alert takes another sensor's alert about a conversation that a host at home is
// one end of. Opened tells that the host opened it, outside that the other end
// isn't at home.
func (w *Watch) Alert(a *traffic.Alert, at netip.Addr, opened, outside bool) {
	h := w.host(at, a.At)
	if h == nil || !opened {
		return // what comes from outside is exposure
	}
	if m := h.note(markKey{"alert", a.Signature, Endpoint{a.Resp, a.RespPort, a.Proto}}, a.At); m != nil {
		m.alert, m.severity, m.match.Family, m.outside = strings.Clone(a.Category), a.Severity, strings.Clone(a.Family), outside
	}
}
