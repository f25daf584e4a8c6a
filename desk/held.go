package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"tocsin/casebook"
	"tocsin/store"
)

// Held is who held an asset at a moment, and on whose word.
type Held struct {
	Asset casebook.Asset
	At    time.Time
	casebook.Attribution
	By *store.HoldingRow // that decided; nil where nobody is known
}

// WhoHeld tells who held an asset at a moment, as the table in use says: what is taken
// in now is attributed by the same one. It is for who sees all; others are told of
// nobody.
func (d *Desk) WhoHeld(ctx context.Context, scope casebook.Scope, a casebook.Asset, at time.Time) (Held, error) {
	h := Held{Asset: a, At: at}
	if h.Attribution.By = -1; !scope.All {
		return h, nil
	}
	now := d.holdings.Load()
	h.Attribution = now.table.At(a, at)
	if h.Attribution.By < 0 {
		return h, nil
	}
	row, err := d.Reader(scope).HoldingBy(ctx, now.number, h.Attribution.By)
	switch {
	case errors.Is(err, casebook.ErrNotFound):
		return h, nil
	case err != nil:
		return h, err
	}
	h.By = &row
	return h, nil
}

// ParseAsset reads an address, a prefix or a domain name as people write it, defanged
// too. It gives ErrInvalid for anything else.
func ParseAsset(text string) (casebook.Asset, error) {
	plain := strings.NewReplacer("[.]", ".", "(.)", ".", "。", ".").Replace(strings.TrimSpace(text))
	if a, err := netip.ParseAddr(strings.Trim(plain, "[]")); err == nil && a.Zone() == "" {
		return casebook.AddrAsset(a), nil
	}
	if p, err := netip.ParsePrefix(plain); err == nil {
		if a := casebook.PrefixAsset(p); !a.IsZero() {
			return a, nil
		}
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(plain, "."))
	if err != nil {
		name = plain
	}
	if a, err := casebook.DomainAsset(name); err == nil && strings.Contains(a.Name, ".") && strings.Trim(a.Name, "0123456789.") != "" {
		return a, nil
	}
	return casebook.Asset{}, fmt.Errorf("%.100q is no address, prefix or domain name: %w", text, casebook.ErrInvalid)
}
