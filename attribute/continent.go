package attribute

import (
	"fmt"
	"strings"
)

// continentCountry is the column of values such as "europe-france".
const continentCountry = "continent_country"

var continents = []string{"africa", "antarctica", "asia", "europe", "north-america", "oceania", "south-america"}

// countryOf gives the country's word of a value that puts the continent, or its
// first letter, in front. A value without continent is the country itself. why
// tells what is wrong: no country behind the continent, or two values run into one,
// as tables glued from many lists have them.
func countryOf(value string) (country, why string) {
	country = value
	if len(value) > 1 && value[1] == '-' {
		country = value[2:]
	}
	for _, c := range continents {
		if rest, ok := strings.CutPrefix(value, c+"-"); ok {
			country = rest
		}
	}
	if country == "" && value != "" {
		return "", fmt.Sprintf("%.40q has no country after the continent", value)
	}
	for _, c := range continents {
		if strings.Contains(country, c+"-") {
			return "", fmt.Sprintf("%.80q is two values run into one", value)
		}
	}
	return country, ""
}
