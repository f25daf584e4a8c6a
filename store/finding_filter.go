package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// FindingFilter narrows a list of findings; its zero value lets all pass.
type FindingFilter struct {
	Since  time.Time       // recorded or changed at or after
	State  *casebook.State // in this state
	Threat casebook.ID
	Role   *casebook.Role
	Family string // as any source spells it
	Region string
	Party  string // that holds the asset, by its name
	Asset  string // an address, a prefix, or a name with all below it

	few bool // so few changed since that they are looked up first
}

// manyFindings is from how many findings on a family's are met soon enough by passing
// through all of them.
const manyFindings = 50_000

// narrow adds the conditions of a filter. none reports that nothing can pass it.
func (r *Reader) narrow(ctx context.Context, w *where, v findingView, f FindingFilter) (none bool, err error) {
	if !f.Since.IsZero() {
		if f.few {
			w.and("f.id IN (SELECT id FROM finding WHERE recorded_at >= ?)", micros(f.Since))
		} else {
			w.and(v.changed+" >= ?", micros(f.Since))
		}
	}
	if f.State != nil {
		w.and(v.state+" = ?", int64(*f.State))
		if v.own == "f" && *f.State != casebook.Open {
			w.and("f.state <> 0")
		}
	}
	if !f.Threat.IsZero() {
		w.and("f.threat = (SELECT id FROM threat WHERE public = ?)", f.Threat[:])
	}
	if f.Role != nil {
		w.and("f.role = ?", int64(*f.Role))
		if *f.Role != casebook.Bot {
			w.and("f.role <> 2")
		}
	}
	if f.Region != "" {
		w.and(v.own+".region = ?", f.Region)
		if v.own == "f" {
			w.and("f.region <> ''")
		}
	}
	if f.Party != "" {
		if none, err := r.narrowParty(ctx, w, f.Party); none || err != nil {
			return none, err
		}
	}
	if f.Family != "" {
		if none, err := r.narrowFamily(ctx, w, f.Family); none || err != nil {
			return none, err
		}
	}
	if f.Asset != "" {
		return false, r.narrowAsset(w, v, f.Asset)
	}
	return false, nil
}

// narrowParty leaves the findings of a party's assets. A party sees none but its own.
func (r *Reader) narrowParty(ctx context.Context, w *where, party string) (none bool, err error) {
	if r.scope.All {
		w.and("f.party = ?", party)
		w.and("f.party <> ''")
		return false, nil
	}
	own, err := r.ownName(ctx)
	return own != party, err
}

// narrowFamily leaves the findings of the threats that are called so.
func (r *Reader) narrowFamily(ctx context.Context, w *where, family string) (none bool, err error) {
	rows, err := r.q.QueryContext(ctx, `SELECT id, findings FROM threat WHERE family_key IN ($1, $2) ORDER BY id`, casebook.FamilyKey(family), " "+casebook.FamilyKey(family))
	all := int64(0)
	ids, err := collect(rows, err, func(rows *sql.Rows) (id string, err error) {
		var n int64
		err = rows.Scan(&id, &n)
		all += n
		return id, err
	})
	switch {
	case err != nil || len(ids) == 0:
		return true, err
	case len(ids) == 1:
		w.and("f.threat = " + ids[0])
	case all > manyFindings:
		w.and("f.threat + 0 IN (" + strings.Join(ids, ", ") + ")")
	default:
		w.and("f.threat IN (" + strings.Join(ids, ", ") + ")")
	}
	return false, nil
}

// widest are the shortest prefixes by which findings are listed: of what is in a wider
// one a search shows some.
const (
	widest4 = 12
	widest6 = 24
)

// ListedAsset reads an asset by which findings are listed. It gives ErrInvalid for what
// AssetRange doesn't read, and for a prefix that is too wide.
func ListedAsset(text string) (Range, error) {
	a, err := AssetRange(text)
	if p := a.Prefix; err == nil && a.Name == "" && (p.Addr().Is4() && p.Bits() < widest4 || p.Addr().Is6() && p.Bits() < widest6) {
		err = fmt.Errorf("%s is wider than /%d (IPv4) or /%d (IPv6): %w", p, widest4, widest6, casebook.ErrInvalid)
	}
	return a, err
}

// narrowAsset leaves the findings of an address, of the addresses in a prefix, or of
// a name and those below it.
func (r *Reader) narrowAsset(w *where, v findingView, text string) error {
	a, err := ListedAsset(text)
	if err != nil {
		return err
	}
	name := []byte(turned(a.Name))
	kind, low, high := int64(nameTerm), name, append(slices.Clone(name), 0xff)
	if a.Name == "" {
		kind, low, high = a.octets()
	}
	switch {
	case v.own == "q":
		if a.Name != "" {
			kind = int64(casebook.NoAsset)
		}
		w.and(fmt.Sprintf("q.finding IN (SELECT m.finding FROM part_term m WHERE m.party = '%s' AND m.kind = ? AND m.word >= ? AND m.word <= ?)", partyText(r.scope.Party)), kind, low, high)
		return nil
	case a.Name != "":
		w.and("f.id IN (SELECT object FROM term WHERE kind = ? AND word >= ? AND word <= ?)", kind, low, high)
		return nil
	}
	w.and("f.id IN ("+assetsIn+")", kind, low, high)
	return nil
}

// assetsIn finds addresses without an index of their own: for each threat and role
// there is one place in the index of findings at which they would stand.
const assetsIn = `SELECT x.id FROM threat_size s CROSS JOIN finding x WHERE x.threat = s.threat AND x.role = s.role AND x.asset_kind = ? AND x.asset >= ? AND x.asset <= ?`

// A Range is what a person means by an asset: the addresses of a prefix, or a name
// with all below it.
type Range struct {
	Prefix netip.Prefix
	Name   string
}

// octets gives kind, first and last of a range of addresses as the database has them.
func (a Range) octets() (kind int64, low, high []byte) {
	first := casebook.AddrAsset(a.Prefix.Addr())
	last := casebook.AddrAsset(casebook.LastAddr(a.Prefix))
	return int64(first.Kind), first.AppendCanonical(nil), last.AppendCanonical(nil)
}

// AssetRange reads an address, a prefix, the beginning of an IPv4 address ("192.0.2."),
// a domain name or a URL, of which the host counts. It gives ErrInvalid for what is
// none of them.
func AssetRange(text string) (Range, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return Range{Prefix: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		return Range{Prefix: p.Masked()}, nil
	}
	if p, ok := beginning(text); ok {
		return Range{Prefix: p}, nil
	}
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text, _, _ = strings.Cut(rest, "/")
		if host, _, ok := strings.Cut(text, ":"); ok {
			text = host
		}
	}
	name, err := casebook.DomainAsset(strings.TrimPrefix(strings.TrimPrefix(text, "*"), "."))
	// No top-level domain is a number (RFC 3696, section 2).
	top := name.Name[strings.LastIndexByte(name.Name, '.')+1:]
	if err != nil || top == name.Name || strings.Trim(top, "0123456789") == "" {
		return Range{}, fmt.Errorf("%.80q is no address, no prefix and no name: %w", text, casebook.ErrInvalid)
	}
	return Range{Name: name.Name}, nil
}

// beginning reads the first octets of an IPv4 address as the prefix that they are.
func beginning(text string) (netip.Prefix, bool) {
	rest := strings.TrimSuffix(text, ".")
	n := strings.Count(rest, ".") + 1
	if !strings.HasSuffix(text, ".") && n < 3 || n > 3 {
		return netip.Prefix{}, false
	}
	a, err := netip.ParseAddr(rest + strings.Repeat(".0", 4-n))
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, 8*n), true
}
