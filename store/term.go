package store

import (
	"database/sql"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"tocsin/casebook"
)

var termTable = plain("term", column{"kind", 'i', true}, column{"word", 'b', true}, column{"object", 'i', true})

// partTermTable is what a party finds its parts by: of addresses the kind is that of the
// asset, of names it is 0.
var partTermTable = plain("part_term", column{"party", 't', true}, column{"kind", 'i', true}, column{"word", 'b', true}, column{"finding", 'i', true})

// The kinds of terms.
const (
	titleTerm = 1 + iota // a word of an incident's title; object: the incident
	nameTerm             // the name in a finding, turned round; object: the finding
)

// maxTerms bounds the words of one title that are searched by.
const maxTerms = 64

// words cuts text into what is searched by: words in lower case, and of scripts that
// write no blanks between words every two characters that stand together, and each
// alone.
func words(text string) []string {
	var all []string
	var word, run []rune
	end := func() {
		if len(word) > 0 {
			all = append(all, string(word))
			word = nil
		}
		for i := range run {
			all = append(all, string(run[i]))
			if i+1 < len(run) {
				all = append(all, string(run[i:i+2]))
			}
		}
		run = nil
	}
	for _, r := range strings.ToLower(text) {
		dense := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
		switch {
		case !dense && !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
		case dense && len(word) > 0, !dense && len(run) > 0:
			end()
			fallthrough
		default:
			if dense {
				run = append(run, r)
			} else {
				word = append(word, r)
			}
		}
	}
	end()
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxTerms)]
}

// titleTerms keeps the words of an incident's title up with it.
func (tx *Tx) titleTerms(incident int64, was, is string) error {
	before, after := words(clean(was)), words(clean(is))
	for _, w := range before {
		if slices.Contains(after, w) {
			continue
		}
		if _, err := tx.exec(`DELETE FROM term WHERE kind = $1 AND word = $2 AND object = $3`, titleTerm, []byte(w), incident); err != nil {
			return err
		}
	}
	for _, w := range after {
		if slices.Contains(before, w) {
			continue
		}
		if _, err := tx.exec(termTable.insertSQL, titleTerm, []byte(w), incident); err != nil {
			return err
		}
	}
	return nil
}

// turned writes a name with its labels turned round and a dot behind each, so that
// all names below one begin with it: "www.example.com" is "com.example.www.". An
// address, as the host of a URL, stays as it is.
func turned(name string) string {
	name = strings.Trim(strings.ToLower(name), "[].")
	if a, err := netip.ParseAddr(name); err == nil {
		return a.Unmap().String() + "."
	}
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".") + "."
}

// nameTerms gives the row by which a finding is found through the name in its asset;
// none for an address.
func nameTerms(finding int64, a casebook.Asset) [][]any {
	name := nameIn(a)
	if name == "" {
		return nil
	}
	return [][]any{{int64(nameTerm), []byte(turned(clean(name))), finding}}
}

// partTerms gives the row by which a party finds its part in a finding; none for an asset
// that is neither an address nor holds a name.
func partTerms(party string, finding int64, a casebook.Asset) [][]any {
	switch name := nameIn(a); {
	case name != "":
		return [][]any{{party, int64(casebook.NoAsset), []byte(turned(clean(name))), finding}}
	case a.Kind == casebook.IPv4Addr || a.Kind == casebook.IPv6Addr:
		return [][]any{{party, int64(a.Kind), octets(a.AppendCanonical(nil)), finding}}
	}
	return nil
}

// nameIn gives the domain name, or the host, in an asset; "" where it holds none.
func nameIn(a casebook.Asset) (name string) {
	switch a.Kind {
	case casebook.DomainName:
		name = a.Name
	case casebook.URL:
		if u, err := url.Parse(a.Name); err == nil {
			name = u.Hostname()
		}
	case casebook.EmailAddr:
		_, name, _ = strings.Cut(a.Name, "@")
	}
	return name
}

// termsAnew makes the terms of a database that has none yet.
func (tx *Tx) termsAnew() error {
	const some = 5000
	for last := int64(0); ; {
		rows, err := tx.query(`SELECT id, asset_kind, asset FROM finding WHERE id > $1 AND asset_kind >= $2 ORDER BY id LIMIT $3`, last, int64(casebook.DomainName), some)
		page, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, 3) })
		if err != nil {
			return err
		}
		var terms [][]any
		for _, row := range page {
			s := scanner{row: row}
			id, kind := s.int(), casebook.AssetKind(s.int())
			last = id
			a, err := casebook.CanonicalAsset(kind, s.bytes())
			if err != nil || s.err != nil {
				continue // the audit tells of it
			}
			terms = append(terms, nameTerms(id, a)...)
		}
		if err := tx.db.dialect.insert(tx, termTable, terms); err != nil {
			return err
		}
		if len(page) < some {
			break
		}
	}
	for last := int64(0); ; {
		rows, err := tx.query(`SELECT id, title FROM incident WHERE id > $1 ORDER BY id LIMIT $2`, last, some)
		page, err := collect(rows, err, func(rows *sql.Rows) ([]any, error) { return scanRow(rows, 2) })
		if err != nil {
			return err
		}
		for _, row := range page {
			s := scanner{row: row}
			last = s.int()
			if err := tx.titleTerms(last, "", s.text()); err != nil {
				return err
			}
		}
		if len(page) < some {
			return nil
		}
	}
}
