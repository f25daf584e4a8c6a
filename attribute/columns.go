package attribute

import (
	"fmt"
	"net/netip"
	"strings"
)

// understood tells a person what Read takes.
const understood = "understood are a header with start and end, cidr, prefix, network, domain or suffix, beside any of " +
	"asn, holder, as_name, name, organisation, region, cc, country, continent_country, party, valid_from, valid_to; " +
	"or, without header, start,end,asn,name and start,end,asn,cc,name"

// column is what a column tells.
type column int

const (
	cStart column = iota
	cEnd
	cPrefix
	cSuffix
	cASN
	cHolder
	cRegion
	cParty
	cFrom
	cTo
	nColumns
)

// headers lists for each column its names in lower case, the better ones first: of
// two in one file the first counts.
var headers = [nColumns][]string{
	cStart:  {"start", "start_ip"},
	cEnd:    {"end", "end_ip"},
	cPrefix: {"cidr", "prefix", "network"},
	cSuffix: {"domain", "suffix"},
	cASN:    {"asn", "autonomous_system_number"},
	cHolder: {"holder", "as_name", "organisation", "organization", "autonomous_system_organization", "name"},
	cRegion: {"region", "cc", "country_code", "country", continentCountry},
	cParty:  {"party"},
	cFrom:   {"valid_from", "from"},
	cTo:     {"valid_to", "to"},
}

// columns tell where a table has what.
type columns struct {
	at        [nColumns]int // place in the row, -1 if there is none
	width     int           // how many columns there are
	names     []string      // as the file writes them, by place; nil without header
	continent bool          // the region is like "europe-france"
}

// columnsOf recognises a header, or a first row by its shape; nil if it is neither.
func columnsOf(fields []string) (c *columns, header bool) {
	if c = headed(fields); c != nil {
		return c, true
	}
	if len(fields) != 4 && len(fields) != 5 {
		return nil, false
	}
	low, err1 := netip.ParseAddr(fields[0])
	high, err2 := netip.ParseAddr(fields[1])
	_, why := parseASN(fields[2])
	if err1 != nil || err2 != nil || low.BitLen() != high.BitLen() || why != "" {
		return nil, false
	}
	c = &columns{at: [nColumns]int{cStart: 0, cEnd: 1, cPrefix: -1, cSuffix: -1, cASN: 2, cHolder: 3, cRegion: -1, cParty: -1, cFrom: -1, cTo: -1}, width: len(fields)}
	if len(fields) == 5 {
		if cc := fields[3]; len(cc) != 2 && !untold(cc) {
			return nil, false
		}
		c.at[cRegion], c.at[cHolder] = 3, 4
	}
	return c, false
}

// headed reads a header: it must say of what the rows tell and at least one thing
// that they tell of it.
func headed(fields []string) *columns {
	place := make(map[string]int, len(fields))
	for i, f := range fields {
		f = strings.ToLower(f)
		if _, twice := place[f]; !twice {
			place[f] = i
		}
	}
	c := &columns{width: len(fields), names: fields}
	for col := range nColumns {
		c.at[col] = -1
		for _, name := range headers[col] {
			if i, ok := place[name]; ok {
				c.at[col] = i
				c.continent = c.continent || name == continentCountry
				break
			}
		}
	}
	of := c.has(cStart) && c.has(cEnd) || c.has(cPrefix) || c.has(cSuffix)
	if !of || !(c.has(cASN) || c.has(cHolder) || c.has(cRegion) || c.has(cParty)) {
		return nil
	}
	return c
}

func (c *columns) has(col column) bool { return c.at[col] >= 0 }

// name gives the name of a column as a person finds it in the file.
func (c *columns) name(col column) string {
	switch {
	case col < 0:
		return ""
	case c.names != nil:
		return c.names[c.at[col]]
	case col == cRegion:
		return "cc"
	case col == cHolder:
		return "name"
	}
	return headers[col][0]
}

// untold reports whether a field says that it says nothing.
func untold(s string) bool {
	switch s {
	case "", "-", "None", "none", "NULL", "null", "ZZ", "??":
		return true
	}
	return false
}

// found names the fields that a file begins with.
func found(fields []string) string {
	const most = 8
	var b strings.Builder
	for i, f := range fields {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(fields)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.40q", f)
	}
	return b.String()
}
