// Package attribute answers who held an address or a name at a moment, and on
// whose word. Read takes a table of holdings as its publisher writes it, a Builder
// collects the holdings, a Table answers. It leaves to others where tables are
// kept, which of them are in use, and what a party is.
//
// docs/attribution.md is the page for users.
package attribute
