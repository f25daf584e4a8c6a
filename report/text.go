package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"tocsin/casebook"
)

// Bounds of a table that a stranger sends.
const (
	MaxTable = 64 << 20 // octets
	MaxRows  = 200_000
	maxCell  = 8 << 10 // octets of one cell
	maxCells = 200     // of one row
)

// readText reads a whole table, at most MaxTable octets, and gives it in UTF-8:
// from UTF-8 and UTF-16, with and without byte order mark, and from GB 18030, in
// which spreadsheets in China write.
func readText(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxTable+1))
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	if len(text) > MaxTable {
		return nil, fmt.Errorf("table of over %d octets: %w", MaxTable, casebook.ErrTooLarge)
	}
	switch {
	case bytes.HasPrefix(text, []byte("\xef\xbb\xbf")):
		return text[3:], nil
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}), bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return decoded(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(text))
	case everyOther(text, 1):
		return decoded(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Bytes(text))
	case everyOther(text, 0):
		return decoded(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Bytes(text))
	case utf8.Valid(text):
		return text, nil
	}
	return decoded(simplifiedchinese.GB18030.NewDecoder().Bytes(text))
}

func decoded(text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("table is neither UTF-8, UTF-16 nor GB 18030: %w: %w", err, casebook.ErrInvalid)
	}
	return text, nil
}

// everyOther reports whether at least a third of the octets at odd (from 1) or even
// places (0) are zero: UTF-16 without a mark, whose separators and digits have one.
func everyOther(text []byte, from int) bool {
	head := text[:min(len(text), 512)]
	zeros := 0
	for i := from; i < len(head); i += 2 {
		if head[i] == 0 {
			zeros++
		}
	}
	return len(head) >= 4 && zeros*6 > len(head)
}

// table splits a delimited text into records.
type table struct {
	text  []byte
	comma byte
	at    int
	line  int64 // of at, from 1
	end   int   // of what the record at hand may take
	far   int   // up to where a search for a closing mark has gone
	alone int   // before this, each line is a record: a search had gone there in vain
}

var errCell = errors.New("a cell is too long, or a quotation mark isn't closed")

// newTable finds the separator: what a line sep= in front says, or which of comma,
// semicolon and tab stands most often in the first line.
func newTable(text []byte) *table {
	t := &table{text: text, comma: ',', line: 1}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	first = bytes.TrimRight(first, "\r")
	if rest, ok := bytes.CutPrefix(bytes.ToLower(bytes.Trim(first, `"`)), []byte("sep=")); ok && len(rest) == 1 {
		t.comma = rest[0]
		t.at, t.line = min(bytes.IndexByte(append(text[:len(text):len(text)], '\n'), '\n')+1, len(text)), 2
		return t
	}
	best := 0
	for _, c := range []byte(",;\t") {
		if n := bytes.Count(first, []byte{c}); n > best {
			best, t.comma = n, c
		}
	}
	return t
}

// next gives the cells of the next record that isn't empty and the line on which it
// begins; io.EOF after the last. A record that can't be read is passed over to the end
// of its first line and comes with errCell.
func (t *table) next() (cells []string, line int64, err error) {
	for {
		if t.at >= len(t.text) {
			return nil, 0, io.EOF
		}
		line = t.line
		stop := len(t.text)
		if n := bytes.IndexByte(t.text[t.at:], '\n'); n >= 0 {
			stop = t.at + n + 1
		}
		if t.end = len(t.text); t.at < t.alone {
			t.end = stop
		}
		cells, end, ok := t.record()
		if !ok {
			t.alone = max(t.alone, t.far)
			t.skip(stop)
			return nil, line, errCell
		}
		t.skip(end)
		for _, c := range cells {
			if c != "" {
				return cells, line, nil
			}
		}
	}
}

func (t *table) skip(to int) {
	t.line += int64(bytes.Count(t.text[t.at:to], []byte("\n")))
	t.at = to
}

// record reads one record; end is where the next begins.
func (t *table) record() (cells []string, end int, ok bool) {
	i := t.at
	for {
		cell, next, ok := t.cell(i)
		if !ok || len(cells) >= maxCells {
			return nil, 0, false
		}
		cells = append(cells, cell)
		switch {
		case next >= t.end:
			return cells, next, true
		case t.text[next] == '\n':
			return cells, next + 1, true
		}
		i = next + 1
	}
}

// cell reads one cell from i on; next is where its separator or line end stands.
func (t *table) cell(i int) (cell string, next int, ok bool) {
	if i < t.end && t.text[i] == '"' {
		var b []byte
		for j := i + 1; j < t.end && len(b) <= maxCell; j++ {
			t.far = max(t.far, j)
			switch {
			case t.text[j] != '"':
				b = append(b, t.text[j])
			case j+1 < t.end && t.text[j+1] == '"':
				b = append(b, '"')
				j++
			default:
				rest, next, ok := t.plain(j + 1)
				return trimCell(string(b) + rest), next, ok
			}
		}
		return "", 0, false
	}
	plain, next, ok := t.plain(i)
	return trimCell(plain), next, ok
}

func (t *table) plain(i int) (cell string, next int, ok bool) {
	for j := i; j <= i+maxCell; j++ {
		if j >= t.end || t.text[j] == t.comma || t.text[j] == '\n' {
			return string(bytes.TrimRight(t.text[i:min(j, t.end)], "\r")), j, true
		}
	}
	return "", 0, false
}
