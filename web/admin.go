package web

import (
	"html/template"
	"net/netip"
)

// enterAdmin enters the pages of those who run the platform and of those who supervise.
func (s *server) enterAdmin() {
	s.enterPage("GET /parties/{id}", s.partyPage)
	s.enterPage("POST /parties/{id}", s.partyEditForm)
	s.enterPage("POST /parties/{id}/end", s.partyEndForm)
	s.enterPage("POST /parties/{id}/contacts", s.contactForm)
	s.enterPage("POST /parties/{id}/contacts/end", s.contactEndForm)
}

// adminFunctions is what the templates of these pages call.
func (l *language) adminFunctions() template.FuncMap {
	return template.FuncMap{
		"partyRoles":   func(roles []string) []option { return l.optionsOf("party", roles) },
		"contactKinds": func(kinds []string) []option { return l.optionsOf("contact.kind", kinds) },
		"rangeText":    rangeText,
	}
}

// rangeText writes a range of addresses: as a prefix where it is one.
func rangeText(low, high netip.Addr) string {
	if low == high {
		return low.String()
	}
	for bits := 0; bits < low.BitLen(); bits++ {
		if p := netip.PrefixFrom(low, bits); p.Masked() == p && lastOf(p) == high {
			return p.String()
		}
	}
	return low.String() + "–" + high.String()
}

// lastOf gives the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Addr().AsSlice()
	for i := p.Bits(); i < p.Addr().BitLen(); i++ {
		octets[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}
