package attribute_test

import (
	"bytes"
	"strings"
	"time"

	"tocsin/casebook"
)

// byDefinition attributes an address, prefix or name by reading all holdings, as
// the words of Table.At say it and no faster.
func byDefinition(holdings []casebook.Holding, a casebook.Asset, at time.Time) casebook.Attribution {
	owner, party, region := -1, -1, -1
	for i := range holdings {
		h := &holdings[i]
		if !holds(h, a) || !h.From.IsZero() && at.Before(h.From) || !h.To.IsZero() && !at.Before(h.To) {
			continue
		}
		better := func(than int) bool { return than < 0 || !broader(h, &holdings[than]) }
		if (h.ASN != 0 || h.Holder != "") && better(owner) {
			owner = i
		}
		if h.Party != "" && better(party) {
			party = i
		}
		if h.Region != "" && better(region) {
			region = i
		}
	}
	said := casebook.Attribution{By: -1}
	if region >= 0 {
		said.Region, said.By = holdings[region].Region, int32(region)
	}
	if party >= 0 {
		said.Party, said.By = holdings[party].Party, int32(party)
	}
	if owner >= 0 {
		said.ASN, said.Holder, said.By = holdings[owner].ASN, holdings[owner].Holder, int32(owner)
	}
	return said
}

func holds(h *casebook.Holding, a casebook.Asset) bool {
	if h.Suffix != "" {
		return a.Kind == casebook.DomainName && (a.Name == h.Suffix || strings.HasSuffix(a.Name, "."+h.Suffix))
	}
	p, ok := a.Prefix()
	return ok && p.Addr().Is4() == h.Low.Is4() && !p.Addr().Less(h.Low) && !h.High.Less(casebook.LastAddr(p))
}

// broader reports whether a holds more than b.
func broader(a, b *casebook.Holding) bool {
	if a.Suffix != "" {
		return len(a.Suffix) < len(b.Suffix)
	}
	one, two := width(a), width(b)
	return bytes.Compare(one[:], two[:]) > 0
}

// width gives the last address less the first, as a number of 16 octets.
func width(h *casebook.Holding) (w [16]byte) {
	if h.Low.Is4() {
		low, high := h.Low.As4(), h.High.As4()
		copy(w[12:], less(high[:], low[:]))
		return w
	}
	low, high := h.Low.As16(), h.High.As16()
	copy(w[:], less(high[:], low[:]))
	return w
}

func less(a, b []byte) []byte {
	d, borrow := make([]byte, len(a)), 0
	for i := len(a) - 1; i >= 0; i-- {
		v := int(a[i]) - int(b[i]) - borrow
		borrow = 0
		if v < 0 {
			v, borrow = v+256, 1
		}
		d[i] = byte(v)
	}
	return d
}
