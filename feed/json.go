package feed

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"tocsin/casebook"
)

// jsonStyle is how a format writes its rows as JSON.
type jsonStyle struct {
	lines    bool     // one object a line
	document bool     // one array, or an object that holds it
	path     []string // names that lead to the array
}

// jsonReader cuts JSON (RFC 8259) into records without building a tree of the
// whole: it follows brackets and quotes only. A record that isn't well-formed
// inside is the reader's of that record to refuse.
type jsonReader struct {
	r      *bufio.Reader
	line   int64
	record []byte
	long   bool // the record is over the bound; record holds its beginning
}

const (
	maxDepth  = 100
	maxTwins  = 16  // members of one name in a record
	maxMember = 256 // octets in the name of a column
)

var errNotJSON = errors.New("not well-formed JSON")

// readJSON reads JSON whose records have the given shape.
func (d *delivery) readJSON(style jsonStyle, s *shape) (Result, error) {
	j := &jsonReader{r: bufio.NewReaderSize(d.text, readSize), line: 1}
	t := &jsonRow{binding: bind(s)}
	t.binding.notAfter = d.notAfter
	next := j.nextLine
	if style.document {
		if err := j.find(style.path); err != nil {
			return d.result, j.fault(err)
		}
		next = j.nextElement
	}
	for {
		line, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return d.result, j.fault(err)
		}
		if reason := t.read(j); reason != "" {
			err = d.refuse(line, "", reason)
		} else {
			err = d.take(t.binding, t.values, line)
		}
		if err != nil {
			return d.result, err
		}
	}
	t.binding.warn(&d.warnings)
	return d.result, nil
}

func (j *jsonReader) fault(err error) error {
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return fmt.Errorf("line %d: the JSON ends early: %w", j.line, casebook.ErrInvalid)
	case err == errNotJSON:
		return fmt.Errorf("line %d: %w: %w", j.line, err, casebook.ErrInvalid)
	}
	return fmt.Errorf("line %d: %w", j.line, err)
}

// nextLine makes the next line that isn't empty the record.
func (j *jsonReader) nextLine() (line int64, err error) {
	for {
		line = j.line
		j.record, j.long = j.record[:0], false
		for {
			part, err := j.r.ReadSlice('\n')
			j.keep(part...)
			if err == bufio.ErrBufferFull {
				continue
			}
			if err == io.EOF && len(j.record) > 0 {
				break
			}
			if err != nil {
				return line, err
			}
			j.line++
			break
		}
		if j.record = bytes.TrimSpace(j.record); len(j.record) > 0 {
			return line, nil
		}
	}
}

// keep adds to the record, up to its bound.
func (j *jsonReader) keep(octets ...byte) {
	if len(j.record)+len(octets) > maxRecord {
		j.long = true
		octets = octets[:maxRecord-len(j.record)]
	}
	j.record = append(j.record, octets...)
}

// find goes to the array at the end of a path, and behind its bracket.
func (j *jsonReader) find(path []string) error {
	for _, name := range path {
		if err := j.expect('{', "an object that has "+strconv.Quote(name)); err != nil {
			return err
		}
		for {
			at, err := j.peek()
			if err != nil {
				return err
			}
			if at == '}' {
				return fmt.Errorf("the JSON has no %.80q where the records should be: %w", name, casebook.ErrInvalid)
			}
			if at == ',' {
				j.r.Discard(1)
				continue
			}
			key, err := j.value()
			if err != nil {
				return err
			}
			if err := j.expect(':', "a colon"); err != nil {
				return err
			}
			if unquoted, err := fastjson.ParseBytes(key); err == nil && string(unquoted.GetStringBytes()) == name {
				break
			}
			if _, err := j.value(); err != nil {
				return err
			}
		}
	}
	return j.expect('[', "the array of records")
}

// nextElement makes the next element of the array the record; it gives io.EOF
// after the last.
func (j *jsonReader) nextElement() (line int64, err error) {
	at, err := j.peek()
	if err == nil && at == ',' {
		j.r.Discard(1)
		at, err = j.peek()
	}
	if err != nil {
		return 0, cut(err)
	}
	if at == ']' {
		return 0, io.EOF
	}
	line = j.line
	_, err = j.value()
	return line, cut(err)
}

// value makes the next value the record: from bracket to bracket, from quote to
// quote, or to the next delimiter.
func (j *jsonReader) value() ([]byte, error) {
	j.record, j.long = j.record[:0], false
	depth, quote := 0, false
	at, err := j.peek()
	if err != nil {
		return nil, err
	}
	if bytes.IndexByte([]byte(",:]}"), at) >= 0 {
		return nil, errNotJSON
	}
	for {
		c, err := j.r.ReadByte()
		if err != nil {
			return nil, err
		}
		switch {
		case c == '\n':
			j.line++
		case quote && c == '\\':
			j.keep(c)
			if c, err = j.r.ReadByte(); err != nil {
				return nil, err
			}
			j.keep(c)
			continue
		case c == '"':
			quote = !quote
		case quote:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return nil, fmt.Errorf("values are nested more than %d deep: %w", maxDepth, casebook.ErrTooLarge)
			}
		case c == '}' || c == ']':
			depth--
		}
		j.keep(c)
		if depth > 0 || quote {
			continue
		}
		if c == '"' || c == '}' || c == ']' {
			return j.record, nil
		}
		if end, err := j.r.Peek(1); err != nil || bytes.IndexByte([]byte(",:]} \t\r\n"), end[0]) >= 0 {
			return j.record, nil
		}
	}
}

// peek passes over white space and looks at what comes.
func (j *jsonReader) peek() (byte, error) {
	for {
		at, err := j.r.Peek(1)
		if err != nil {
			return 0, err
		}
		switch at[0] {
		case '\n':
			j.line++
		case ' ', '\t', '\r':
		default:
			return at[0], nil
		}
		j.r.Discard(1)
	}
}

func (j *jsonReader) expect(c byte, what string) error {
	at, err := j.peek()
	if err != nil {
		return err
	}
	if at != c {
		return fmt.Errorf("expected %s, found %q: %w", what, at, casebook.ErrInvalid)
	}
	_, err = j.r.Discard(1)
	return err
}

// jsonRow lays a record's members out as columns: a member of a member is the
// column a.b, an array is the JSON it is written as.
type jsonRow struct {
	binding *binding
	parser  fastjson.Parser
	values  [][]byte
	text    []byte // what numbers and arrays are written into
	fault   string
}

// read gives the reason why a record can't be taken, "" if t.values has it.
func (t *jsonRow) read(j *jsonReader) (reason string) {
	if j.long {
		return fmt.Sprintf("the record is longer than %d octets", maxRecord)
	}
	v, err := t.parser.ParseBytes(j.record)
	if err != nil {
		return "the record is not well-formed JSON"
	}
	if v.Type() != fastjson.TypeObject {
		return fmt.Sprintf("the record is no JSON object but %s", v.Type())
	}
	clear(t.values)
	t.text, t.fault = t.text[:0], ""
	t.lay("", v, 0)
	return t.fault
}

func (t *jsonRow) lay(prefix string, v *fastjson.Value, depth int) {
	if depth > maxDepth {
		t.fault = fmt.Sprintf("members are nested more than %d deep", maxDepth)
		return
	}
	v.GetObject().Visit(func(key []byte, v *fastjson.Value) {
		name := prefix + string(key)
		switch v.Type() {
		case fastjson.TypeNull:
		case fastjson.TypeObject:
			t.lay(name+".", v, depth+1)
		case fastjson.TypeString:
			t.set(name, v.GetStringBytes())
		default:
			// Growing moves text, but what was cut from it stays as it is.
			start := len(t.text)
			t.text = v.MarshalTo(t.text)
			t.set(name, t.text[start:len(t.text):len(t.text)])
		}
	})
}

func (t *jsonRow) set(name string, v []byte) {
	if name = strings.ToValidUTF8(strings.TrimSpace(name), "\uFFFD"); name == "" {
		name = "no name"
	}
	switch {
	case t.fault != "":
		return
	case len(name) > maxMember:
		t.fault = fmt.Sprintf("the record has a member whose name is longer than %d octets", maxMember)
		return
	case bytes.IndexByte(v, 0) >= 0:
		t.fault = "the record has a NUL octet"
		return
	}
	b := t.binding
	column, ok := b.index[name]
	for n, stem := 2, name; ok && t.values[column] != nil; n++ { // a name that comes again
		if n > maxTwins {
			t.fault = fmt.Sprintf("the record has the member %.80q more than %d times", stem, maxTwins)
			return
		}
		name = stem + "." + strconv.Itoa(n)
		column, ok = b.index[name]
	}
	if !ok {
		if len(b.names) >= maxColumns {
			t.fault = fmt.Sprintf("the record has a member that is new after %d others", maxColumns)
			return
		}
		column, _ = b.add(name)
		t.values = append(t.values, nil)
	}
	if v == nil {
		v = []byte{} // an empty text is there, a member that is missing isn't
	}
	t.values[column] = v
}

// cut turns an end of file inside a record into the fault it is.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
