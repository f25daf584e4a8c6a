package sensor_test

import (
	"net/netip"
	"strings"
	"testing"

	"tocsin/detect"
	"tocsin/sensor"
)

// TestClaims tells a claim once, and again when it has changed; context stays here.
func TestClaims(t *testing.T) {
	end := detect.Endpoint{Addr: netip.MustParseAddr("192.0.2.66"), Port: 8443, Transport: detect.TCP}
	evidence := []detect.Evidence{{Detector: "beacon", Ceiling: detect.Suspected, Because: "one every 60 s"}, {Detector: "beacon", Ceiling: detect.Suspected}, {Detector: "order", Ceiling: detect.Confirmed}, {Detector: "scan", Ceiling: detect.Weak}}
	report := func(last int64) *detect.Report {
		return &detect.Report{
			Controllers: []detect.Controlled{{Endpoint: end, Certainty: detect.Confirmed, Confidence: 0.95, Bots: []netip.Addr{netip.MustParseAddr("10.0.0.5")}, First: 1e6, Last: last, Evidence: evidence},
				{Name: "evil.example", Certainty: detect.Weak, Last: last}},
			Bots: []detect.Bot{{Addr: netip.MustParseAddr("10.0.0.5"), Certainty: detect.Suspected, Confidence: 0.8, Controllers: []detect.Endpoint{end}, Botnet: "bn_1", First: 1e6, Last: last, Evidence: evidence},
				{Addr: netip.MustParseAddr("10.0.0.6"), Certainty: detect.Weak}},
		}
	}
	c := sensor.Claims{Sensor: "edge-1"}
	if n := strings.Count(string(c.Fresh(report(1e6))), "\n"); n != 1 || c.Fresh(report(2e6)) != nil {
		t.Errorf("%d rows before the hour is over, want the one that is confirmed, once", n)
	}
	got := string(c.Rows(report(2e6)))
	want := `{"observed_at":"1970-01-01T00:00:02Z","type":"c2-server","asset":"192.0.2.66","port":8443,"transport":"tcp","peer":"10.0.0.5","confidence":0.95,"severity":"high","certainty":"confirmed","identifier":"beacon order","first_seen":"1970-01-01T00:00:01Z","because":"one every 60 s","sensor":"edge-1"}
{"observed_at":"1970-01-01T00:00:02Z","type":"infected-system","asset":"10.0.0.5","transport":"tcp","peer":"192.0.2.66","peer_port":8443,"confidence":0.8,"severity":"medium","certainty":"suspected","identifier":"beacon order","botnet":"bn_1","first_seen":"1970-01-01T00:00:01Z","because":"one every 60 s","sensor":"edge-1"}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if again := c.Rows(report(2e6)); again != nil {
		t.Errorf("told again: %s", again)
	}
	if n := strings.Count(string(c.Rows(report(3e6))), "\n"); n != 2 {
		t.Errorf("%d rows after a change", n)
	}
}
