package store

import (
	"crypto/rand"
	"fmt"
	"strings"

	"tocsin/ledger"
)

// A table describes a covered table once: its statements, its row digest and its
// audit all follow from the list of columns. A row is a []any with one value a
// column, int64, string or []byte; the first is the id, the second the salt.
type table struct {
	id      uint32 // in change sets; never reused
	version uint32 // raised when a migration appends columns
	name    string
	columns []column

	insertSQL, updateSQL, deleteSQL, selectSQL string
}

type column struct {
	name  string
	kind  byte // i: int64, t: string, b: []byte
	fixed bool // never changes once the row is there
}

// tables lists every covered table by its number.
var tables = map[uint32]*table{}

// covered describes a table of schema version 1 and enters it in the list.
// Columns are "name:kind" words after id and salt; an exclamation mark says that
// the column never changes, so that an update leaves it, and its indexes, alone.
func covered(id uint32, name, columns string) *table {
	all := []column{{"id", 'i', true}, {"salt", 'b', true}}
	for word := range strings.FieldsSeq(columns) {
		name, kind, _ := strings.Cut(word, ":")
		all = append(all, column{name, kind[0], strings.HasSuffix(kind, "!")})
	}
	if tables[id] != nil {
		panic("store: two tables with one number: " + name)
	}
	tables[id] = describe(id, name, all)
	return tables[id]
}

func describe(id uint32, name string, columns []column) *table {
	t := &table{id: id, version: 1, name: name, columns: columns}
	var names, places, sets []string
	for i, c := range columns {
		names = append(names, c.name)
		places = append(places, fmt.Sprintf("$%d", i+1))
		if !c.fixed {
			sets = append(sets, fmt.Sprintf("%s = $%d", c.name, len(sets)+1))
		}
	}
	all := strings.Join(names, ", ")
	t.insertSQL = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", name, all, strings.Join(places, ", "))
	t.updateSQL = fmt.Sprintf("UPDATE %s SET %s WHERE id = $%d", name, strings.Join(sets, ", "), len(sets)+1)
	t.deleteSQL = fmt.Sprintf("DELETE FROM %s WHERE id = $1", name)
	t.selectSQL = fmt.Sprintf("SELECT %s FROM %s", all, name)
	return t
}

// updates gives the arguments of updateSQL for rows: what may change, then the id.
func (t *table) updates(rows [][]any) [][]any {
	all := make([][]any, len(rows))
	for i, row := range rows {
		args := make([]any, 0, len(row))
		for j, c := range t.columns {
			if !c.fixed {
				args = append(args, row[j])
			}
		}
		all[i] = append(args, row[0])
	}
	return all
}

// digest is the canonical digest of a row as it stands.
func (t *table) digest(h *ledger.RowHasher, row []any) ([32]byte, error) {
	h.Reset(t.id, t.version)
	for i, c := range t.columns {
		switch v := row[i].(type) {
		case int64:
			if c.kind == 'i' {
				h.Int(v)
				continue
			}
		case string:
			if c.kind == 't' {
				h.Text(v)
				continue
			}
		case []byte:
			if c.kind == 'b' {
				h.Blob(v)
				continue
			}
		}
		return [32]byte{}, fmt.Errorf("table %s: column %s holds a %T", t.name, c.name, row[i])
	}
	return h.Sum(), nil
}

// salts hands out the 16 random octets that a row keeps, so that its digest
// can't be guessed from what it says.
type salts struct{ pool []byte }

func (s *salts) next() []byte {
	const size = 16
	if len(s.pool) < size {
		s.pool = make([]byte, 256*size)
		rand.Read(s.pool)
	}
	salt := s.pool[:size:size]
	s.pool = s.pool[size:]
	return salt
}

// changeSetNumber stands for change_set where a change set names its own row; no
// covered table has it.
const changeSetNumber = 0

// uncovered lists the tables that the record doesn't cover row by row, with what
// vouches for them instead. A table in neither list fails a test and the audit.
var uncovered = map[string]string{
	"change_set":     "is the record: its rows are the leaves of the tree",
	"ledger_hash":    "is computed again from the leaves by every audit",
	"checkpoint":     "is signed, and compared with the tree by every audit",
	"session":        "is given and taken back without being part of the record: only digests, for hours",
	"invitation":     "is given and taken back as sessions are: only digests, for days; the account to which it leads is in account",
	"key_use":        "moves with every use of a key; that the key is good is in access_key",
	"answer":         "keeps for a day what was answered, so that a repeated request isn't done twice",
	"tally":          "counts for pages what finding and observation hold; what decides anything is counted from the rows",
	"part_tally":     "counts for pages what finding_part holds; what decides anything is counted from the rows",
	"part_term":      "leads a party's search to its parts, which are then read from the tables that the record covers",
	"evidence":       "sums up for pages what observation holds; what decides anything is read from the rows",
	"term":           "leads a search to rows, which are then read from the tables that the record covers",
	"incident_grade": "names the grade that stands of each incident, for lists; what decides anything is read from grade",
	"seen":           "is a mirror: compared with observation, row by row, by every audit",
}
