package report

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"tocsin/casebook"
)

type xarfParty struct {
	Org     string `json:"org"`
	Contact string `json:"contact"`
	Domain  string `json:"domain"`
}

type xarfEvidence struct {
	Type        string `json:"content_type"`
	Description string `json:"description"`
	Payload     string `json:"payload"`
	Hash        string `json:"hash"`
}

type xarfReport struct {
	Version    string         `json:"xarf_version"`
	ID         string         `json:"report_id"`
	Timestamp  string         `json:"timestamp"`
	Reporter   xarfParty      `json:"reporter"`
	Sender     xarfParty      `json:"sender"`
	Source     string         `json:"source_identifier"`
	Port       uint16         `json:"source_port,omitempty"`
	Category   string         `json:"category"`
	Type       string         `json:"type"`
	From       string         `json:"evidence_source"`
	Confidence *float64       `json:"confidence,omitempty"`
	Family     string         `json:"malware_family,omitempty"`
	Evidence   string         `json:"compromise_evidence,omitempty"` // of a botnet
	Method     string         `json:"compromise_method,omitempty"`   // of a compromised server
	First      string         `json:"first_seen,omitempty"`
	Last       string         `json:"last_seen,omitempty"`
	URL        string         `json:"url,omitempty"` // of content
	Text       string         `json:"description"`
	Proof      []xarfEvidence `json:"evidence"`
}

// XARFVersion is the version of X-ARF that XARF writes.
const XARFVersion = "4.2.0"

// XARF writes one row as an X-ARF report (version 4): a bot and a controller as
// infrastructure/botnet, a compromised machine as infrastructure/compromised_server,
// a distributor's URL as content/malware. The same row at the same moment gives the same
// octets. It gives ErrInvalid for a role that X-ARF has no kind for, for an asset that
// isn't an address, a name or a URL, and for an incomplete origin.
func XARF(r Row, from Origin, at time.Time) ([]byte, error) {
	if err := from.check(); err != nil {
		return nil, fmt.Errorf("X-ARF: %w", err)
	}
	switch r.Asset.Kind {
	case casebook.IPv4Addr, casebook.IPv6Addr, casebook.DomainName, casebook.URL:
	default:
		return nil, fmt.Errorf("X-ARF: row %d is a %s: an address, a domain name or a URL can be reported: %w", r.Number, r.Asset.Kind, casebook.ErrInvalid)
	}
	seen := r.Last
	if seen.IsZero() {
		seen = at
	}
	party := xarfParty{from.Org, from.Contact, from.Domain}
	x := xarfReport{
		Version: XARFVersion, Reporter: party, Sender: party, Timestamp: instant(seen), Source: r.Asset.String(), Port: r.Port,
		From: "threat_intelligence", Family: cut(r.Name, 200), First: instant(r.First), Last: instant(r.Last),
	}
	if r.Confidence >= 0 && r.Confidence <= 1 {
		x.Confidence = &r.Confidence
	}
	x.Text = cut(fmt.Sprintf("%s seen as %s of %s, %d times from %s to %s", r.endpoint(), r.Role, r.Name, r.Count, exact(r.First, ""), exact(r.Last, "")), 1000)
	switch r.Role {
	case casebook.Bot:
		x.Category, x.Type, x.Evidence = "infrastructure", "botnet", x.Text
	case casebook.Controller:
		x.Category, x.Type, x.Evidence = "infrastructure", "botnet", x.Text
	case casebook.Compromised:
		x.Category, x.Type, x.Method = "infrastructure", "compromised_server", "unknown"
	case casebook.Distributor:
		if r.Asset.Kind != casebook.URL {
			return nil, fmt.Errorf("X-ARF: row %d is a distributor without a URL: X-ARF reports content by its URL: %w", r.Number, casebook.ErrInvalid)
		}
		x.Category, x.Type, x.URL = "content", "malware", r.Asset.Name
	default:
		return nil, fmt.Errorf("X-ARF: row %d is a %s: a bot, controller, distributor or compromised machine can be reported: %w", r.Number, r.Role, casebook.ErrInvalid)
	}
	proof := x.Text
	if r.Evidence != "" {
		proof += "\n" + r.Evidence
	}
	x.Proof = []xarfEvidence{{
		Type: "text/plain", Description: "what was observed", Payload: base64.StdEncoding.EncodeToString([]byte(proof)),
		Hash: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(proof))),
	}}
	x.ID = randomLike("xarf", instant(at), r.Finding.Text(casebook.FindingPrefix), r.endpoint(), x.Text)
	return marshal(x)
}

func cut(s string, most int) string {
	runes := []rune(oneLine(s))
	return string(runes[:min(len(runes), most)])
}

// randomLike makes a UUID of names that looks like version 4, where a format asks for
// one and the same thing must be written alike twice: SHA-256 over each name and a
// zero octet.
func randomLike(names ...string) string {
	h := sha256.New()
	for _, n := range names {
		h.Write([]byte(n))
		h.Write([]byte{0})
	}
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 4<<4
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
