package main

import (
	"encoding/json"
	"io"
	"net/netip"
	"strconv"
	"time"

	"tocsin/detect"
	"tocsin/sensor"
)

// scanSummary is the last line of tocsin scan --format json.
type scanSummary struct {
	Kind    string `json:"kind"`
	Files   int    `json:"files"`
	Records int64  `json:"records"`
	Refused int64  `json:"refused"`
	First   string `json:"first"` // "" if there was nothing
	Last    string `json:"last"`
	Hosts   int    `json:"hosts"`
	Strays  int64  `json:"strays"`  // flows with neither end at home
	Late    int64  `json:"late"`    // records that came too late to be judged in their place
	Dropped int64  `json:"dropped"` // what found no room: its claims may be missing
	Sampled bool   `json:"sampled"`
}

func (s *scan) summary(of sensor.Summary) scanSummary {
	line := scanSummary{Kind: "summary", Files: s.files, Records: of.Records, First: moment(of.First), Last: moment(of.Last), Hosts: of.Hosts,
		Strays: of.Counters.StrayRecords, Late: of.Late, Sampled: of.Sampled,
		Dropped: of.Counters.FullHosts + of.Counters.FullPairs + of.Counters.FullRhythms + of.Counters.FullNames}
	for _, c := range s.counts {
		line.Refused += c.Refused
	}
	return line
}

// moment writes microseconds since 1970 as RFC 3339, "" for 0.
func moment(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano)
}

// printScanJSON writes controllers, bots, botnets, each by confidence and then by
// address, and the summary.
func printScanJSON(w io.Writer, r detect.Report, s scanSummary) error {
	var line []byte
	for i := range r.Controllers {
		line = appendController(line, &r.Controllers[i])
	}
	for i := range r.Bots {
		line = appendBot(line, &r.Bots[i])
	}
	for i := range r.Botnets {
		line = appendBotnet(line, &r.Botnets[i])
	}
	if _, err := w.Write(line); err != nil {
		return err
	}
	return printJSON(w, s)
}

// object writes one JSON object field by field, in the order of the calls.
type object struct{ b []byte }

func begin(b []byte, kind string) *object {
	o := &object{append(b, '{')}
	return o.text("kind", kind)
}

func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(strconv.AppendQuote(o.b, name), ':')
}

func (o *object) text(name, value string) *object {
	o.name(name)
	text, _ := json.Marshal(value) // a string always encodes
	o.b = append(o.b, text...)
	return o
}

func (o *object) number(name string, value float64) *object {
	o.name(name)
	o.b = strconv.AppendFloat(o.b, value, 'f', -1, 64)
	return o
}

func (o *object) truth(name string, value bool) *object {
	o.name(name)
	o.b = strconv.AppendBool(o.b, value)
	return o
}

func (o *object) list(name string, values []string) *object {
	o.name(name)
	o.b = append(o.b, '[')
	for i, v := range values {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		text, _ := json.Marshal(v)
		o.b = append(o.b, text...)
	}
	o.b = append(o.b, ']')
	return o
}

func (o *object) evidence(list []detect.Evidence) *object {
	o.name("evidence")
	o.b = append(o.b, '[')
	for i := range list {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		e := &list[i]
		in := &object{append(o.b, '{')}
		in.text("detector", e.Detector).number("score", e.Score)
		for _, f := range e.Figures {
			in.number(f.Name, f.Value)
		}
		if e.Peer.Valid() {
			in.text("endpoint", e.Peer.String())
		}
		if e.Name != "" {
			in.text("name", e.Name)
		}
		if e.Host.IsValid() {
			in.text("host", e.Host.String())
		}
		in.text("first_seen", moment(e.First)).text("last_seen", moment(e.Last)).text("because", e.Because)
		o.b = append(in.b, '}')
	}
	o.b = append(o.b, ']')
	return o
}

func (o *object) end() []byte { return append(o.b, '}', '\n') }

func appendController(b []byte, c *detect.Controlled) []byte {
	address, transport := "", ""
	if c.Endpoint.Valid() {
		address, transport = c.Endpoint.Addr.String(), transportName(c.Endpoint.Transport)
	}
	return begin(b, "controller").text("address", address).number("port", float64(c.Endpoint.Port)).text("transport", transport).
		text("name", c.Name).text("family", c.Family).text("role", "controller").number("confidence", c.Confidence).
		text("certainty", c.Certainty.String()).truth("sinkhole", c.Sinkhole).list("bots", texts(c.Bots)).
		text("first_seen", moment(c.First)).text("last_seen", moment(c.Last)).evidence(c.Evidence).end()
}

func appendBot(b []byte, c *detect.Bot) []byte {
	return begin(b, "bot").text("address", c.Addr.String()).text("family", c.Family).number("confidence", c.Confidence).
		text("certainty", c.Certainty.String()).list("controllers", append(texts(c.Controllers), c.Names...)).
		list("acts", c.Acts).text("botnet", c.Botnet).text("first_seen", moment(c.First)).text("last_seen", moment(c.Last)).
		evidence(c.Evidence).end()
}

func appendBotnet(b []byte, n *detect.Botnet) []byte {
	o := begin(b, "botnet").text("id", n.ID).text("family", n.Family).text("topology", n.Topology).number("confidence", n.Confidence).
		text("certainty", n.Certainty.String()).list("controllers", append(texts(n.Controllers), n.Names...)).number("peers", float64(n.Peers))
	o.name("bots")
	in := &object{append(o.b, '{')}
	in.number("concurrent_max", float64(n.Concurrent)).number("unique_24h", float64(n.PerDay)).number("unique", float64(n.Unique))
	o.b = append(in.b, '}')
	return o.list("members", texts(n.Members)).text("first_seen", moment(n.First)).text("last_seen", moment(n.Last)).evidence(n.Evidence).end()
}

func transportName(t uint8) string {
	switch t {
	case detect.TCP:
		return "tcp"
	case detect.UDP:
		return "udp"
	case detect.ICMP:
		return "icmp"
	}
	return ""
}

func texts[T netip.Addr | detect.Endpoint](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		switch v := any(v).(type) {
		case netip.Addr:
			out[i] = v.String()
		case detect.Endpoint:
			out[i] = v.String()
		}
	}
	return out
}
