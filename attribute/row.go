package attribute

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// fault is what is wrong with a row.
type fault struct {
	column column // -1 for the whole row
	why    string
}

func (f *fault) Error() string { return f.why }

// errNobody is a row that says that nobody holds its range.
var errNobody = errors.New("nobody holds it")

// read fills a holding from a row. Its error is a *fault, or errNobody.
func (c *columns) read(row []string, h *casebook.Holding) error {
	if len(row) != c.width {
		return &fault{-1, fmt.Sprintf("the row has %d fields, the table %d columns", len(row), c.width)}
	}
	field := func(col column) string {
		if c.at[col] < 0 || untold(row[c.at[col]]) {
			return ""
		}
		return row[c.at[col]]
	}
	if f := readWhat(field, h); f != nil {
		return f
	}
	if f := readSpan(field, h); f != nil {
		return f
	}
	var why string
	if h.ASN, why = parseASN(field(cASN)); why != "" {
		return &fault{cASN, why}
	}
	h.Holder, h.Party, h.Region = field(cHolder), field(cParty), field(cRegion)
	if c.continent {
		if h.Region, why = countryOf(h.Region); why != "" {
			return &fault{cRegion, why}
		}
	} else if len(h.Region) == 2 {
		h.Region = strings.ToUpper(h.Region)
	}
	return checkTold(h)
}

// checkTold refuses what a Builder would, and tells a range without holder.
func checkTold(h *casebook.Holding) error {
	notRouted := h.ASN == 0 && strings.EqualFold(h.Holder, "not routed")
	if notRouted {
		h.Holder = ""
	}
	for _, text := range []struct {
		col column
		s   string
	}{{cHolder, h.Holder}, {cParty, h.Party}, {cRegion, h.Region}} {
		if len(text.s) > MaxText {
			return &fault{text.col, fmt.Sprintf("the text has %d octets, at most %d are taken", len(text.s), MaxText)}
		}
		if strings.ContainsFunc(text.s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return &fault{text.col, "the text has a control character"}
		}
	}
	switch {
	case h.ASN != 0 || h.Holder != "" || h.Party != "" || h.Region != "":
		return nil
	case notRouted:
		return errNobody
	}
	return &fault{-1, "the row tells neither ASN, holder, region nor party"}
}

// readWhat reads the range or name.
func readWhat(field func(column) string, h *casebook.Holding) *fault {
	start, end, prefix, suffix := field(cStart), field(cEnd), field(cPrefix), field(cSuffix)
	switch {
	case suffix != "" && (start != "" || end != "" || prefix != ""):
		return &fault{cSuffix, "the row tells a range and a name; give each its own row"}
	case suffix != "":
		return readSuffix(suffix, h)
	case start != "" || end != "":
		return readRange(start, end, h)
	case prefix != "":
		return readPrefix(prefix, h)
	}
	return &fault{-1, "the row tells neither range nor name"}
}

func readSuffix(suffix string, h *casebook.Holding) *fault {
	a, err := casebook.DomainAsset(strings.TrimPrefix(strings.TrimPrefix(suffix, "*"), "."))
	if err != nil {
		return &fault{cSuffix, fmt.Sprintf("%.80q is no domain name in ASCII; write names of other scripts as xn--…", suffix)}
	}
	h.Suffix = a.Name
	return nil
}

func readRange(start, end string, h *casebook.Holding) *fault {
	for _, side := range []struct {
		col  column
		text string
		to   *netip.Addr
	}{{cStart, start, &h.Low}, {cEnd, end, &h.High}} {
		a, err := netip.ParseAddr(side.text)
		if err != nil {
			return &fault{side.col, fmt.Sprintf("%.80q is no address", side.text)}
		}
		*side.to = a.Unmap()
	}
	if why := rangeFault(h.Low, h.High); why != "" {
		return &fault{cEnd, fmt.Sprintf("the range %v to %v %s", h.Low, h.High, why)}
	}
	return nil
}

func readPrefix(text string, h *casebook.Holding) *fault {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		h.Low, h.High = a.Unmap(), a.Unmap()
		return nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return &fault{cPrefix, fmt.Sprintf("%.80q is no prefix like 192.0.2.0/24", text)}
	}
	if p != p.Masked() {
		return &fault{cPrefix, fmt.Sprintf("%v has bits beyond its length; the prefix around it is %v", p, p.Masked())}
	}
	p, ok := casebook.PrefixAsset(p).Prefix()
	if !ok {
		return &fault{cPrefix, fmt.Sprintf("%.80q is wider than all IPv4 addresses written as IPv6", text)}
	}
	h.Low, h.High = p.Addr(), casebook.LastAddr(p)
	return nil
}

func readSpan(field func(column) string, h *casebook.Holding) *fault {
	for _, end := range []struct {
		col column
		to  *time.Time
	}{{cFrom, &h.From}, {cTo, &h.To}} {
		text := field(end.col)
		if text == "" {
			continue
		}
		t, ok := parseMoment(text)
		if !ok {
			return &fault{end.col, fmt.Sprintf("%.40q is no moment like 2026-01-31 or 2026-01-31T12:00:00Z", text)}
		}
		*end.to = t
	}
	if !h.From.IsZero() && !h.To.IsZero() && !h.From.Before(h.To) {
		return &fault{cTo, "the holding ends before it begins; its end is the first moment after it"}
	}
	return nil
}

// parseMoment reads a moment, or a day, which stands for its beginning. Without a
// zone it is UTC.
func parseMoment(s string) (time.Time, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			t = t.UTC().Truncate(time.Microsecond)
			return t, t.Year() >= 1 && t.Year() <= 9999 && !t.IsZero()
		}
	}
	return time.Time{}, false
}

// parseASN reads "64500" or "AS64500"; nothing is 0.
func parseASN(s string) (asn uint32, why string) {
	if s == "" {
		return 0, ""
	}
	digits := s
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		digits = s[2:]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, fmt.Sprintf("%.40q is no AS number from 0 to 4294967295", s)
	}
	return uint32(n), ""
}
