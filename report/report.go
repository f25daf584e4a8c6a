// Package report writes what is sent and what is handed on: the forms of a filing
// with their fields, filled from what is known and checked against what a stage asks
// for; letters, pages and exchange formats of a filing (JSON, CSV, IODEF, X-ARF,
// STIX); orders, and the answers to them; numbers of tasks; the archive of a whole
// case that a stranger can verify. It is handed values and the moment and gives
// values and octets: who must get what by when is decided by regime, sending is
// courier's, keeping is the store's.
package report

import (
	"strings"
	"time"

	"tocsin/casebook"
)

// Lang is a language in which forms are written.
type Lang uint8

// The languages. Both writes each label in both.
const (
	English Lang = iota
	Chinese
)

// Tag gives the language as BCP 47 has it.
func (l Lang) Tag() string {
	if l == Chinese {
		return "zh-CN"
	}
	return "en"
}

// Words is a text in both languages.
type Words struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// In gives the text in a language; the other one where there is none in it.
func (w Words) In(l Lang) string {
	if l == Chinese && w.ZH != "" || w.EN == "" {
		return w.ZH
	}
	return w.EN
}

// moment writes a moment for a person to the second in UTC and, where a zone is
// known, in that zone first. The zero moment is "".
func moment(t time.Time, zone string) string {
	if t.IsZero() {
		return ""
	}
	utc := t.UTC().Format("2006-01-02 15:04:05") + " UTC"
	loc := zoneOf(zone)
	if loc == nil {
		return utc
	}
	return t.In(loc).Format("2006-01-02 15:04:05 -07:00") + " (" + utc + ")"
}

// zoneOf reads an IANA name or an offset like +08:00; nil for neither and for UTC.
func zoneOf(zone string) *time.Location {
	switch zone {
	case "", "UTC", "Z", "Local":
		return nil
	}
	if t, err := time.Parse("-07:00", zone); err == nil {
		_, offset := t.Zone()
		return time.FixedZone("", offset)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil
	}
	return loc
}

// instant writes a moment for a program: RFC 3339 in UTC with microseconds where
// there are any; "" for the zero moment.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// readInstant is the inverse of instant.
func readInstant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

// human turns a word of the vocabulary into one that people read.
func human(word string) string { return strings.ReplaceAll(word, "_", " ") }

// tlpLabel writes a label of TLP 2.0 as its standard does.
func tlpLabel(t casebook.TLP) string { return "TLP:" + t.String() }
