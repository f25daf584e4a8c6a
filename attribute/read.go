package attribute

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tocsin/casebook"
)

// The bounds of a file.
const (
	// MaxLine is the longest line that is read, in octets.
	MaxLine = 64 << 10
	// MaxFile is how much is read of a file, in octets after unpacking.
	MaxFile = 4 << 30
)

// Read takes a table of holdings: comma- or tab-separated lines, gzip allowed, with
// a header that names the columns in any order, or without one as start, end, ASN,
// name (DB-IP and the like) or start, end, ASN, country, name (iptoasn). The columns
// that it understands are in docs/attribution.md. name becomes each holding's Source.
//
// yield gets each holding in the order of the file, refuse each row that can't be
// taken, with its number, line, column and the reason, and reading goes on; an error of
// either ends it and comes back as it is. A row that says nobody holds its range,
// as iptoasn's "Not routed", is neither yielded nor refused. rows counts them all. Read gives
// ErrInvalid for a file that is no such table, and for one that breaks off, after what
// could be read; ErrTooLarge past MaxFile. It keeps one line, and each text that returns once.
func Read(name string, r io.Reader, yield func(casebook.Holding) error, refuse func(casebook.Refusal) error) (rows int64, err error) {
	in, err := open(r)
	if err != nil {
		return 0, fmt.Errorf("table of holdings %s: %w", name, err)
	}
	t := reading{source: name, in: in, texts: make(map[string]string), yield: yield, refuse: refuse}
	for {
		line, err := t.in.line()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = t.row(line)
		} else if err == errLongLine && t.columns != nil {
			t.rows++
			err = t.refused("", fmt.Sprintf("the line is longer than %d octets", MaxLine))
		}
		if own := (callersError{}); errors.As(err, &own) {
			return t.rows, own.error
		}
		if err != nil {
			return t.rows, fmt.Errorf("table of holdings %s line %d: %w", name, t.in.number, err)
		}
	}
	if t.columns == nil {
		return 0, fmt.Errorf("table of holdings %s has no rows: %w", name, casebook.ErrInvalid)
	}
	return t.rows, nil
}

// callersError carries an error of yield or refuse through untouched.
type callersError struct{ error }

// reading is a table while it is read.
type reading struct {
	source  string
	in      *lines
	comma   byte // or tab
	columns *columns
	rows    int64
	fields  []string
	texts   map[string]string // each different text once
	yield   func(casebook.Holding) error
	refuse  func(casebook.Refusal) error
}

// row takes one line that has something on it.
func (t *reading) row(line string) error {
	if t.columns == nil {
		header, err := t.recognise(line)
		if header || err != nil {
			return err
		}
	}
	t.rows++
	h, err := t.holding(line)
	var bad *fault
	switch {
	case errors.As(err, &bad):
		return t.refused(t.columns.name(bad.column), bad.why)
	case err == errNobody:
		return nil
	case err != nil:
		return err
	}
	if err := t.yield(h); err != nil {
		return callersError{err}
	}
	return nil
}

// recognise finds the columns by the first line, which is a header or a row.
func (t *reading) recognise(line string) (header bool, err error) {
	t.comma = ','
	if strings.Contains(line, "\t") {
		t.comma = '\t'
	}
	fields, why := split(nil, line, t.comma)
	if why != "" {
		return false, fmt.Errorf("no table of holdings, because %s; %s: %w", why, understood, casebook.ErrInvalid)
	}
	t.columns, header = columnsOf(fields)
	if t.columns == nil {
		return false, fmt.Errorf("no table of holdings: it begins with %s; %s: %w", found(fields), understood, casebook.ErrInvalid)
	}
	return header, nil
}

func (t *reading) refused(field, why string) error {
	err := t.refuse(casebook.Refusal{Row: t.rows, Line: t.in.number, Field: field, Reason: why})
	if err != nil {
		return callersError{err}
	}
	return nil
}

// holding reads a row. Its error is a *fault, or errNobody.
func (t *reading) holding(line string) (casebook.Holding, error) {
	h := casebook.Holding{Source: t.source}
	var why string
	if t.fields, why = split(t.fields[:0], line, t.comma); why != "" {
		return h, &fault{-1, why}
	}
	if err := t.columns.read(t.fields, &h); err != nil {
		return h, err
	}
	for _, s := range []*string{&h.Holder, &h.Party, &h.Region, &h.Suffix} {
		*s = t.text(*s)
	}
	return h, nil
}

// text gives one copy for all mentions, apart from the line it stands in.
func (t *reading) text(s string) string {
	if s == "" {
		return ""
	}
	once, known := t.texts[s]
	if !known {
		if len(t.texts) >= maxKept {
			clear(t.texts)
		}
		once = strings.Clone(s)
		t.texts[once] = once
	}
	return once
}

// maxKept bounds the texts kept for being met again.
const maxKept = 1 << 18

// split cuts a line into fields. Between commas a field may stand in quotes, a
// quote in it doubled (RFC 4180), but not reach over the end of the line; between
// tabs quotes are letters. why tells what is wrong with the line.
func split(fields []string, line string, comma byte) (_ []string, why string) {
	for {
		if comma == ',' && strings.HasPrefix(line, `"`) {
			field, rest, ok := unquote(line[1:])
			if !ok {
				return fields, "a quoted field doesn't end before the line does, or goes on after its end"
			}
			fields, line = append(fields, strings.TrimSpace(field)), rest
		} else {
			end := strings.IndexByte(line, comma)
			if end < 0 {
				end = len(line)
			}
			fields, line = append(fields, strings.TrimSpace(line[:end])), line[end:]
		}
		if line == "" {
			return fields, ""
		}
		line = line[1:]
	}
}

// unquote takes a field up to its closing quote, and what follows it: nothing or a
// comma.
func unquote(s string) (field, rest string, ok bool) {
	for from := 0; ; {
		end := strings.IndexByte(s[from:], '"')
		if end < 0 {
			return "", "", false
		}
		end += from
		field, rest = s[:end], s[end+1:]
		if !strings.HasPrefix(rest, `"`) {
			break
		}
		from = end + 2
	}
	if rest != "" && rest[0] != ',' {
		return "", "", false
	}
	if strings.Contains(field, `"`) {
		field = strings.ReplaceAll(field, `""`, `"`)
	}
	return field, rest, true
}
