package sensor

import (
	"encoding/json"
	"strings"
	"time"

	"tocsin/detect"
)

// Claims turns reports into rows for the feed "sensor", one JSON object a line: a bot,
// or a controller. It tells what is suspected or confirmed, and a claim again only
// when it has changed since. The zero value has told nothing.
type Claims struct {
	Sensor string // its name, in every row
	told   map[string]toldRow
}

type toldRow struct {
	line      string
	certainty detect.Certainty
}

// maxTold bounds the claims that are remembered; past it, all are told again.
const maxTold = 1 << 17

// claimRow is a row, in the words of the feed's mapping.
type claimRow struct {
	ObservedAt string  `json:"observed_at"`
	Type       string  `json:"type"` // RSIT
	Asset      string  `json:"asset"`
	Port       uint16  `json:"port,omitempty"`
	Transport  string  `json:"transport,omitempty"`
	Peer       string  `json:"peer,omitempty"`
	PeerPort   uint16  `json:"peer_port,omitempty"`
	Family     string  `json:"family,omitempty"`
	Confidence float64 `json:"confidence"`
	Severity   string  `json:"severity"`
	Certainty  string  `json:"certainty"`
	Identifier string  `json:"identifier"` // the detectors that agree
	Botnet     string  `json:"botnet,omitempty"`
	FirstSeen  string  `json:"first_seen"`
	Because    string  `json:"because"`
	Sensor     string  `json:"sensor"`
}

// Rows gives the rows that are new or changed, in the order of the report; nil if
// there are none.
func (c *Claims) Rows(r *detect.Report) []byte { return c.rows(r, false) }

// Fresh gives the rows of what is confirmed and wasn't yet, and leaves the rest to Rows:
// what is looked at after a few minutes, again and again, looks suspicious by chance.
func (c *Claims) Fresh(r *detect.Report) []byte { return c.rows(r, true) }

func (c *Claims) rows(r *detect.Report, fresh bool) []byte {
	if len(c.told) > maxTold {
		c.told = nil
	}
	if c.told == nil {
		c.told = map[string]toldRow{}
	}
	var out []byte
	for i := range r.Controllers {
		out = c.row(out, controllerRow(&r.Controllers[i]), r.Controllers[i].Certainty, fresh)
	}
	for i := range r.Bots {
		out = c.row(out, botRow(&r.Bots[i]), r.Bots[i].Certainty, fresh)
	}
	return out
}

func (c *Claims) row(out []byte, row claimRow, certainty detect.Certainty, fresh bool) []byte {
	if certainty < detect.Suspected {
		return out
	}
	row.Certainty, row.Sensor, row.Severity = certainty.String(), c.Sensor, "medium"
	if certainty == detect.Confirmed {
		row.Severity = "high"
	}
	line, err := json.Marshal(row)
	if err != nil {
		return out // a number that is none: nothing to tell
	}
	key := row.Type + " " + row.Asset + " " + row.Transport + string(rune(row.Port)) + row.Peer
	if old, told := c.told[key]; old.line == string(line) || fresh && (certainty < detect.Confirmed || told && certainty <= old.certainty) {
		return out
	}
	c.told[key] = toldRow{string(line), certainty}
	return append(append(out, line...), '\n')
}

func controllerRow(c *detect.Controlled) claimRow {
	row := claimRow{ObservedAt: rowTime(c.Last), FirstSeen: rowTime(c.First), Type: "c2-server", Asset: c.Name, Family: c.Family, Confidence: c.Confidence}
	if c.Endpoint.Valid() {
		row.Asset, row.Port, row.Transport = c.Endpoint.Addr.String(), c.Endpoint.Port, transportWord(c.Endpoint.Transport)
	}
	if len(c.Bots) > 0 {
		row.Peer = c.Bots[0].String()
	}
	row.Identifier, row.Because = reasons(c.Evidence)
	return row
}

func botRow(b *detect.Bot) claimRow {
	row := claimRow{ObservedAt: rowTime(b.Last), FirstSeen: rowTime(b.First), Type: "infected-system", Asset: b.Addr.String(), Family: b.Family, Confidence: b.Confidence, Botnet: b.Botnet}
	switch {
	case len(b.Controllers) > 0:
		e := b.Controllers[0]
		row.Peer, row.PeerPort, row.Transport = e.Addr.String(), e.Port, transportWord(e.Transport)
	case len(b.Names) > 0:
		row.Peer = b.Names[0]
	}
	row.Identifier, row.Because = reasons(b.Evidence)
	return row
}

// reasons names the detectors that agree, once each, and gives the clearest's words.
func reasons(list []detect.Evidence) (detectors, because string) {
	var names []string
	for i := range list {
		if e := &list[i]; e.Ceiling >= detect.Suspected || i == 0 {
			if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+e.Detector+" ") {
				names = append(names, e.Detector)
			}
			if because == "" {
				because = e.Because
			}
		}
	}
	return strings.Join(names, " "), because
}

func rowTime(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }

func transportWord(t uint8) string {
	switch t {
	case detect.TCP:
		return "tcp"
	case detect.UDP:
		return "udp"
	}
	return ""
}
