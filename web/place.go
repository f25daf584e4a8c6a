package web

import (
	"slices"
	"strings"

	"tocsin/access"
)

// place is a link of the navigation.
type place struct {
	Path, Key string // Key: of its word
	Press     string // the letter that leads there after a g, "" none
	Here      string // as aria-current has it: page, true for a page below it, ""
}

// placeGroup is a part of the navigation.
type placeGroup struct {
	Key    string // of its word
	Places []place
}

// places are the pages to which every page leads, by what a person comes for.
var places = []placeGroup{
	{"place.now", []place{
		{Path: "/", Key: "place.home", Press: "q"},
		{Path: "/duties", Key: "place.duties", Press: "d"},
		{Path: "/situation", Key: "place.situation", Press: "s"},
	}},
	{"place.cases", []place{
		{Path: "/incidents", Key: "place.incidents", Press: "i"},
		{Path: "/reports", Key: "place.reports", Press: "r"},
		{Path: "/orders", Key: "place.orders", Press: "o"},
	}},
	{"place.seen", []place{
		{Path: "/threats", Key: "place.threats", Press: "t"},
		{Path: "/findings", Key: "place.findings", Press: "f"},
		{Path: "/deliveries", Key: "place.deliveries"},
		{Path: "/feeds", Key: "place.feeds"},
	}},
	{"place.who", []place{
		{Path: "/parties", Key: "place.parties", Press: "p"},
		{Path: "/holdings", Key: "place.holdings"},
		{Path: "/scorecards", Key: "place.scorecards"},
	}},
	{"place.record", []place{
		{Path: "/outbox", Key: "place.outbox", Press: "x"},
		{Path: "/ledger", Key: "place.ledger", Press: "l"},
		{Path: "/regimes", Key: "place.regimes"},
	}},
	{"place.house", []place{
		{Path: "/people", Key: "place.people"},
		{Path: "/keys", Key: "place.keys"},
	}},
}

// placesFrom gives those of them that somebody may see, with the one at an address
// marked.
func placesFrom(address string, who access.Principal) []placeGroup {
	var groups []placeGroup
	for _, g := range places {
		open := slices.DeleteFunc(slices.Clone(g.Places), func(p place) bool { return !mayOpen(who, p.Path) })
		for i, p := range open {
			if address == p.Path {
				open[i].Here = "page"
			} else if p.Path != "/" && strings.HasPrefix(address, p.Path+"/") {
				open[i].Here = "true"
			}
		}
		if len(open) > 0 {
			groups = append(groups, placeGroup{g.Key, open})
		}
	}
	return groups
}

// mayOpen reports whether somebody may open a page that is there.
func mayOpen(who access.Principal, path string) bool {
	pattern := "GET " + path
	if path == "/" {
		pattern = "GET /{$}"
	}
	needs, ok := rules[pattern]
	return ok && who.May(needs)
}
