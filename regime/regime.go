// Package regime holds the law as data: packs of regimes in YAML, the register of
// facts that their conditions speak of, and calendars of working days. It grades
// an incident, reckons the duties that are owed and their last moments on time,
// and says which power an act rests on. It is handed values and the moment and
// gives values: keeping duties, calling people and filing belong to the desk.
package regime

import (
	"slices"
	"strings"
)

// Roles are what a party can be to a law, in the vocabulary of the packs.
var Roles = []string{
	"network_operator", "telecom_operator", "value_added_operator", "access_provider", "hosting",
	"registry", "registrar", "dns_service", "user", "police", "cii_operator", "state_organ",
	"financial_entity", "essential_entity", "important_entity", "manufacturer", "registrant",
	"centre", "authority", "provincial_authority", "association", "appellant",
}

// Acts are what a power can allow.
var Acts = []string{"notice", "order", "measure", "publication", "exemption"}

// How sure a source makes a fact. Only text, summary and confirmed let a clock
// run; what is from memory or a draft counts as unknown, and never lengthens one.
const (
	Text      = "text"      // read in the instrument itself, or in a copy word for word
	Summary   = "summary"   // a law firm's, the press's or the authority's summary
	Memory    = "memory"    // from memory, not found again
	Draft     = "draft"     // from a draft that isn't law
	Unknown   = "unknown"   // looked for and not found
	Confirmed = "confirmed" // the site says who confirmed it, and when
)

var confidences = []string{Confirmed, Text, Summary, Memory, Draft, Unknown}

// sure reports whether a clock may run on a source of this kind.
func sure(confidence string) bool {
	return confidence == Text || confidence == Summary || confidence == Confirmed
}

// Nearest gives the known name that a mistyped one is most like, "" if none is
// like it.
func Nearest(name string, known []string) string {
	best, most := "", len(name)/2+1
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(name, k, most); d < most {
			best, most = k, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out or changed to make a
// into b; at least most where it is that or more.
func distance(a, b string, most int) int {
	if len(a) > 80 || len(b) > 80 || max(len(a)-len(b), len(b)-len(a)) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// meant ends a refusal with the name that was probably meant.
func meant(name string, known []string) string {
	if n := Nearest(name, known); n != "" {
		return "; did you mean " + n + "?"
	}
	return "; there are " + strings.Join(known, ", ")
}
