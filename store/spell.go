package store

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

const (
	// spellFrom is from how many rows on a statement is made for them alone: to make it
	// costs as much as to bind everything to the kept one twenty times.
	spellFrom = 64
	// maxSpelled bounds the octets of a value that is written into a statement.
	maxSpelled = 200
)

// spell writes the values that all of many rows have in common into the statement that
// runs once a row, and gives the columns that are left to bind: of a batch's rows most
// columns say the same, and binding one costs more than storing it. Parameters stand in
// the order of the row; as question marks the driver finds them three times as fast.
func spell(query string, rows [][]any) (string, []int) {
	if len(rows) == 0 {
		return query, nil
	}
	var b strings.Builder
	var bound []int
	for i, text := range parameter.Split(query, -1) {
		if i > 0 {
			if value, ok := literal(rows, i-1); ok {
				b.WriteString(value)
			} else {
				b.WriteByte('?')
				bound = append(bound, i-1)
			}
		}
		b.WriteString(text)
	}
	return b.String(), bound
}

var parameter = regexp.MustCompile(`\$[0-9]+`)

// literal spells the value that a column has in all of many rows, if it has one.
func literal(rows [][]any, column int) (string, bool) {
	if len(rows) < spellFrom {
		return "", false
	}
	switch first := rows[0][column].(type) {
	case int64:
		for _, row := range rows {
			if v, ok := row[column].(int64); !ok || v != first {
				return "", false
			}
		}
		return strconv.FormatInt(first, 10), true
	case string:
		for _, row := range rows {
			if v, ok := row[column].(string); !ok || v != first {
				return "", false
			}
		}
		return "'" + strings.ReplaceAll(first, "'", "''") + "'", len(first) <= maxSpelled
	case []byte:
		for _, row := range rows {
			if v, ok := row[column].([]byte); !ok || !bytes.Equal(v, first) {
				return "", false
			}
		}
		return fmt.Sprintf("X'%x'", first), len(first) <= maxSpelled
	}
	return "", false
}
