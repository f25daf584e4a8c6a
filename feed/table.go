package feed

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"tocsin/casebook"
)

// tableStyle is how a format writes its rows as delimited text.
type tableStyle struct {
	comma   byte
	comment string
	columns []string // nil if the text names them
}

// readTable reads delimited text whose rows have the given shape.
func (d *delivery) readTable(style tableStyle, s *shape) (Result, error) {
	c := newCSVReader(d.text, style.comma)
	b := bind(s)
	b.notAfter = d.notAfter
	c.comment = []byte(style.comment)
	if style.comment == "" {
		c.comment = nil
	}
	var header []string
	if style.columns != nil {
		header = style.columns
	} else {
		var err error
		if header, err = d.readHeader(c, s, style.comma); err != nil {
			return d.result, err
		}
	}
	for _, name := range header {
		column, unique := b.add(name)
		switch {
		case s.known != nil && !s.known[fold(name)]:
			d.warnings.add("column %.80q is not one the publisher is known to have: it is kept as it is", unique)
		case strings.TrimSpace(name) != unique:
			d.warnings.add("column %d is called %.80q here: its name is empty, not UTF-8, or another column has it", column+1, unique)
		}
	}
	if lack := b.missing(); lack != "" {
		return d.result, fmt.Errorf("line %d: %s; the header has %s: %w", c.line-1, lack, listed(header), casebook.ErrInvalid)
	}
	err := d.readRows(c, b, len(header))
	b.warn(&d.warnings)
	return d.result, err
}

func (d *delivery) readRows(c *csvReader, b *binding, width int) error {
	for {
		line, fault, err := c.next(width)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("after line %d: %w", c.line-1, err)
		case fault != "":
			err = d.refuse(line, "", fault)
		default:
			err = d.take(b, c.fields, line)
		}
		if err != nil {
			return err
		}
	}
}

// readHeader gives the names of the columns: the first record, or before it a
// comment line that names what the shape needs.
func (d *delivery) readHeader(c *csvReader, s *shape, comma byte) ([]string, error) {
	var header []string
	c.remark = func(line []byte) error {
		if header == nil && bytes.IndexByte(line, comma) >= 0 {
			line = bytes.TrimSpace(bytes.TrimPrefix(line, c.comment))
			if names := headerIn(line, comma); names != nil && shows(names, s) {
				header = names
			}
		}
		return nil
	}
	defer func() { c.remark = nil }()
	for header == nil {
		skipped, err := c.skip()
		if err == io.EOF {
			return nil, fmt.Errorf("no header: the delivery holds no row at all: %w", casebook.ErrInvalid)
		}
		if err != nil {
			return nil, err
		}
		if skipped {
			continue
		}
		_, fault, err := c.next(0)
		if err != nil && err != io.EOF {
			return nil, err
		}
		if fault != "" || err == io.EOF {
			return nil, fmt.Errorf("line 1: no header: this is not a table of text (%s): %w", fault, casebook.ErrInvalid)
		}
		header = strs(c.fields)
	}
	return header, nil
}

// headerIn splits a comment line as if it were a record.
func headerIn(line []byte, comma byte) []string {
	c := &csvReader{src: bytes.NewReader(line), comma: comma, buf: make([]byte, len(line)+1)}
	if _, fault, err := c.next(0); fault != "" || err != nil {
		return nil
	}
	return strs(c.fields)
}

// shows reports whether the names have all that a row needs to be taken.
func shows(names []string, s *shape) bool {
	b := bind(s)
	for _, name := range names {
		b.add(name)
	}
	return b.missing() == ""
}

func strs(fields [][]byte) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = string(f)
	}
	return out
}

// listed writes the first names of a header for a message.
func listed(names []string) string {
	const most = 40
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.40q", name)
	}
	return b.String()
}
