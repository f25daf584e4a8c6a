package detect

import (
	"fmt"

	"tocsin/traffic"
)

var _ = add(Detector{Name: "spam", About: "sends mail by itself to many servers", Host: spams})

const (
	spamServers = 8   // different mail servers within an hour
	spamMany    = 100 // and more
	spamDomains = 8   // domains whose mail servers were asked for
	spamBurst   = 15  // deliveries to one server within a minute, more than anybody writes
	spamBursts  = 30  // deliveries, before a burst says something
	spamSubmit  = 12  // servers within an hour that mail is handed in at
	spamTaken   = 0.3 // of the connections, or it is a search and not mail
)

// spams looks for a host that delivers mail itself to many servers on port 25, or
// faster than anybody writes, or looks up many domains' mail exchangers and then
// delivers. Desktops hand mail to one server. A host that itself takes mail from outside is a mail server.
func spams(h *Host, b *Bench) []Evidence {
	var out []Evidence
	for i := range h.uses {
		u := &h.uses[i]
		if u.transport == traffic.TCP && (u.port == 25 || u.port == 465 || u.port == 587) {
			if e, ok := spam(h, u); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

func spam(h *Host, u *portUse) (Evidence, bool) {
	v := *u
	v.settle()
	servers, burst := v.peak, 0
	for j := range h.Ways {
		if w := &h.Ways[j]; w.Port == v.port && w.Transport == TCP {
			burst = max(burst, w.Peak)
		}
	}
	byNames := h.mail.domains >= spamDomains && v.starts >= spamDomains
	byBurst := burst >= spamBurst && v.starts >= spamBursts
	if float64(v.starts-v.failed) < spamTaken*float64(v.starts) || servers < spamServers && !byNames && !byBurst {
		return Evidence{}, false
	}
	if v.port != 25 && servers < spamSubmit {
		return Evidence{}, false // where mail is handed in, with a password, to one or two
	}
	e := Evidence{Detector: "spam", Host: h.Addr, Signs: Attack, Act: "spam", First: v.first, Last: v.last, Ceiling: Suspected,
		Score: round3(clamp(0.5 + 0.45*float64(max(servers, h.mail.domains))/float64(max(servers, h.mail.domains)+30)))}
	if servers >= spamMany || byNames && h.mail.domains >= spamMany {
		e.Ceiling = Confirmed
	}
	if h.inbound.mail > 0 {
		e.Ceiling = Weak
	}
	e.Figures = []Figure{{"servers", float64(v.targets.count())}, {"servers_1h", float64(servers)}, {"deliveries", float64(v.starts)}, {"peak_1min", float64(burst)}, {"mx_domains", float64(h.mail.domains)}}
	e.Because = fmt.Sprintf("opened %s to port %d of %s (%s within an hour, up to %s a minute to one) and looked up the mail servers of %s",
		plural(v.starts, "connection", "connections"), v.port, plural(v.targets.count(), "mail server", "mail servers"), count(servers), count(burst), plural(h.mail.domains, "domain", "domains"))
	if h.inbound.mail > 0 {
		e.Because += "; it takes mail from outside too, as a mail server does"
	}
	return e, true
}
