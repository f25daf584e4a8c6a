package web

import (
	"html/template"
	"net/netip"
	"slices"
	"strings"

	"tocsin/feed"
	"tocsin/regime"
	"tocsin/store"
)

// enterAdmin enters the pages of those who run the platform and of those who supervise.
func (s *server) enterAdmin() {
	s.enterPage("GET /parties/{id}", s.partyPage)
	s.enterPage("POST /parties/{id}", s.partyEditForm)
	s.enterPage("POST /parties/{id}/end", s.partyEndForm)
	s.enterPage("POST /parties/{id}/contacts", s.contactForm)
	s.enterPage("POST /parties/{id}/contacts/end", s.contactEndForm)
	s.enterPage("GET /holdings", s.holdingsPage)
	s.enterPage("POST /holdings", s.holdingForm)
	s.enterPage("GET /feeds", s.feedsPage)
	s.enterPage("GET /deliveries", s.deliveriesPage)
	s.enterPage("POST /deliveries", s.deliveryForm)
	s.enterPage("GET /outbox/{id}", s.outboxLinePage)
	s.enterPage("GET /ledger", s.ledgerPage)
	s.enterPage("POST /ledger/audit", s.auditForm)
	s.enterPage("GET /scorecards", s.scorecardsPage)
	s.enterPage("POST /scorecards/disputes", s.disputeForm)
	s.enterPage("POST /scorecards/decisions", s.decisionForm)
	s.enterPage("GET /people", s.peoplePage)
	s.enterPage("POST /people", s.personForm)
	s.enterPage("GET /people/{id}", s.personPage)
	s.enterPage("POST /people/{id}/roles", s.rolesForm)
	s.enterPage("POST /people/{id}/disable", s.ableForm("disable", true))
	s.enterPage("POST /people/{id}/enable", s.ableForm("enable", false))
	s.enterPage("POST /people/{id}/reset", s.resetForm)
	s.enterPage("GET /keys", s.keysPage)
	s.enterPage("POST /keys", s.keyForm)
	s.enterPage("POST /keys/{id}/revoke", s.revokeForm)
	s.enterPage("GET /account", s.accountPage)
	s.enterPage("POST /account/password", s.myPasswordForm)
	s.enterPage("POST /account/elsewhere", s.elsewhereForm)
	s.enterPage("GET /join", s.joinPage)
	s.enterPage("POST /join", s.joinForm)
}

// adminFunctions is what the templates of these pages call.
func (l *language) adminFunctions(laws *regime.Library) template.FuncMap {
	return template.FuncMap{
		"partyRoles":   func(roles []string) []option { return l.optionsOf("party", roles) },
		"contactKinds": func(kinds []string) []option { return l.optionsOf("contact.kind", kinds) },
		"rangeText":    rangeText,
		"userRoles":    func(roles []string) []option { return l.explained("user.role", "user.about", roles) },
		"keyScopes":    func(scopes []string) []option { return l.explained("key.scope", "key.about", scopes) },
		"checks":       l.checks,
		"entryKind":    func(kind string) string { return l.wordOr("entry.kind", strings.ReplaceAll(kind, " ", "_")) },
		"disputeOptions": func(all []disputeLine) []option {
			return l.disputeOptions(func(id, stage string) string { return l.plainStage(laws, id, stage) }, all)
		},
		"lineOptions": func(all []lineOption) []option {
			return l.lineOptions(func(id, stage string) string { return l.plainStage(laws, id, stage) }, all)
		},
		"decisions": func() []option {
			return append([]option{{Label: l.words["choose"]}}, l.optionsOf("decision", disputeDecisions)...)
		},
		"plainOptions": func(values []string) []option { return l.optionsOf("plain", values) },
		"lawOptions": func(ids []string) []option {
			var all []option
			for _, id := range ids {
				all = append(all, option{Value: id, Label: l.law(laws, id)})
			}
			return all
		},
		"stageOptions": func(values []string) []option {
			var all []option
			for _, value := range values {
				id, stage, _ := strings.Cut(value, " ")
				all = append(all, option{Value: value, Label: l.plainStage(laws, id, stage), Group: l.law(laws, id)})
			}
			return all
		},
		"importState": func(state store.ImportState) string {
			return map[store.ImportState]string{store.ImportRunning: "running", store.ImportInForce: "in_force", store.ImportGivenUp: "given_up"}[state]
		},
		"deliveryStates": func(states []string) []option { return l.optionsOf("delivery.state", states) },
		"formats": func(formats []feed.Format) []option {
			var all []option
			for _, f := range formats {
				all = append(all, option{Value: f.Name, Label: f.Name})
			}
			return all
		},
		"resendOf": func(f form, line outgoing) resendView { return resendView{f, line} },
		"once":     func(title, why, label, secret string) onceView { return onceView{title, why, label, secret} },
	}
}

// plainStage is the name of a duty without markup, as a field's option has it.
func (l *language) plainStage(laws *regime.Library, id, stage string) string {
	if p := packOf(laws, id, ""); p != nil {
		if s, ok := p.Stage(stage); ok {
			name, _ := l.said.Find(s.Name)
			return name
		}
	}
	return stage
}

// onceView is a secret that is shown this once.
type onceView struct{ Title, Why, Label, Secret string }

// explained makes options of the words of a list, each with what it is for.
func (l *language) explained(list, about string, values []string) []option {
	all := l.optionsOf(list, values)
	for i := range all {
		all[i].Group = l.wordOr(about, values[i])
	}
	return all
}

// checks makes a field in which any of some options are chosen.
func (l *language) checks(f form, name, key, label string, options []option) (field, error) {
	in := field{ID: name + "-" + key, Name: key, Kind: "checks", Label: label, Options: slices.Clone(options), Needed: true}
	for i, o := range in.Options {
		in.Options[i].Chosen = f.Name == name && slices.Contains(f.values[key], o.Value)
	}
	return in, l.explain(&in, f, name)
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
