package detect

import (
	"strings"
	"testing"

	"tocsin/traffic"
)

// listed is a small list of known-bad things for tests.
type listed map[string]Match

func (l listed) MatchAddress(e Endpoint, _ int64) (Match, bool) {
	m, ok := l[e.Addr.String()]
	return m, ok
}
func (l listed) MatchName(name string, _ int64) (Match, bool) { m, ok := l[name]; return m, ok }
func (l listed) MatchURL(host string, _ uint16, path string, _ int64) (Match, bool) {
	m, ok := l[host+path]
	return m, ok
}
func (l listed) MatchFingerprint(_, value string, _ int64) (Match, bool) {
	m, ok := l[value]
	return m, ok
}

var bad = listed{
	"198.51.100.9":          {Indicator: "198.51.100.9", Source: "a list", Family: "Example", Confidence: 0.9},
	"198.51.100.10":         {Indicator: "198.51.100.10", Source: "a list", Confidence: 0.5},
	"198.51.100.77":         {Indicator: "198.51.100.77", Source: "a list", Confidence: 0.9, Shared: true, Reason: "it is in a content network"},
	"203.0.113.99":          {Indicator: "203.0.113.99", Source: "a list", Confidence: 0.9, Mild: true},
	"bad.example":           {Indicator: "bad.example", Source: "a list", Family: "Example", Confidence: 0.9},
	"host.example/gate.php": {Indicator: "host.example/gate.php", Source: "a list", Confidence: 0.85},
	"abcdef":                {Indicator: "abcdef", Source: "a list", Confidence: 0.6},
}

func TestIndicator(t *testing.T) {
	judgeAll(t, "indicator", &Bench{Matcher: bad, Clocks: clocksOf{}}, []judged{
		{"a bad address that answers", func(s *scene, h string) { s.call(h, to("198.51.100.9:443"), call{sent: 10, got: 10}) }, Confirmed},
		{"a bad address that doesn't answer", func(s *scene, h string) { s.call(h, to("198.51.100.9:443"), call{state: traffic.Attempted}) }, Suspected},
		{"one that the source isn't sure of", func(s *scene, h string) { s.call(h, to("198.51.100.10:443"), call{sent: 10, got: 10}) }, Suspected},
		{"one that others share", func(s *scene, h string) { s.call(h, to("198.51.100.77:443"), call{sent: 10, got: 10}) }, Weak},
		{"a bad site that isn't malware's", func(s *scene, h string) { s.call(h, to("203.0.113.99:443"), call{sent: 10, got: 10}) }, Weak},
		{"a bad name, looked up", func(s *scene, h string) { s.named(h, "bad.example", "203.0.113.9", 1) }, Confirmed},
		{"a bad page", func(s *scene, h string) {
			s.requests = append(s.requests, traffic.Request{At: morning, Client: addr(h), Server: addr("203.0.113.9"), ServerPort: 80, Host: "host.example", URI: "/gate.php"})
		}, Confirmed},
		{"a bad fingerprint", func(s *scene, h string) {
			s.shakes = append(s.shakes, traffic.Handshake{At: morning, Client: addr(h), Server: addr("203.0.113.9"), ServerPort: 443, JA3: "abcdef"})
		}, Suspected},
		{"a bad address that calls: exposure", func(s *scene, h string) {
			s.flows = append(s.flows, traffic.Flow{Start: morning, Orig: addr("198.51.100.9"), Resp: addr(h), RespPort: 22, Proto: TCP, State: traffic.Established, Oriented: true})
		}, None},
		{"nothing bad", func(s *scene, h string) { s.call(h, to("203.0.113.9:443"), call{sent: 10, got: 10}) }, None},
	})
}

// TestReasonsOfAMatch wants what lowered a match in the sentence.
func TestReasonsOfAMatch(t *testing.T) {
	s := newScene(1)
	s.call(judgedHost, to("198.51.100.77:443"), call{sent: 10, got: 10})
	sum := s.fleet(t, &Bench{Matcher: bad, Clocks: clocksOf{}}).hosts[addr(judgedHost)]
	if sum == nil || len(sum.Evidence) != 1 || !strings.Contains(sum.Evidence[0].Because, "content network") {
		t.Errorf("got %+v, want one match that tells of the content network", sum)
	}
}

func TestAlert(t *testing.T) {
	alert := func(signature, category string, severity int16, opened bool) func(*scene, string) {
		return func(s *scene, h string) {
			s.alerts = append(s.alerts, alertLaid{traffic.Alert{At: morning, Orig: addr(h), Resp: addr("198.51.100.9"), RespPort: 443, Proto: TCP,
				Signature: signature, Category: category, Severity: severity}, opened})
		}
	}
	judgeAll(t, "alert", &Bench{}, []judged{
		{"a check-in", alert("ET TROJAN Example CnC Checkin", "Malware Command and Control Activity Detected", 1, true), Suspected},
		{"the same, from outside", alert("ET TROJAN Example CnC Checkin", "Malware Command and Control Activity Detected", 1, false), None},
		{"a trojan's download", alert("ET TROJAN Example Download", "A Network Trojan was detected", 1, true), Weak},
		{"policy", alert("ET POLICY External IP Lookup", "Potential Corporate Privacy Violation", 1, true), None},
		{"adware", alert("ET MALWARE Adware Example", "Possibly Unwanted Program Detected", 2, true), None},
	})
}

// TestALoweredMatchIsTold wants a claim, a weak one, for a match on shared ground:
// nothing is hidden.
func TestALoweredMatchIsTold(t *testing.T) {
	s := newScene(1)
	s.call(judgedHost, to("198.51.100.77:443"), call{sent: 10, got: 10})
	r := s.report(t, &Bench{Matcher: bad, Clocks: clocksOf{}})
	if len(r.Bots) != 1 || r.Bots[0].Certainty != Weak || len(r.Controllers) != 1 || r.Controllers[0].Certainty != Weak || len(r.Botnets) != 0 {
		t.Errorf("got %+v, want one weak bot, one weak controller, no botnet", r)
	}
}
