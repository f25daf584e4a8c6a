package feed

import (
	"bytes"
	"fmt"
	"io"
)

const (
	maxRecord  = 1 << 20
	maxColumns = 4096
	readSize   = 256 << 10
)

// csvReader splits delimited text (RFC 4180) into records, in one buffer and
// without allocating. A quoted field may hold delimiters, line ends and doubled
// quotes; a quote elsewhere stands for itself, as with the LazyQuotes of
// encoding/csv. Line ends are LF or CRLF; empty lines are no records.
//
// Where a quote stands askew, and the fields don't come out at the wanted number
// or the record runs over several lines, it is read a second time with \" for a
// quote inside a field, which some publishers write; if the number fits, that
// reading counts.
//
// A quote that is opened and never closed must not swallow the good rows after
// it. Where a record of several lines has a quote askew for good, or more octets
// than a record may have, its first line is given for itself, and as far as the
// search had gone no record spans lines; so no octet is looked at over and over.
type csvReader struct {
	src     io.Reader
	comma   byte
	comment []byte                  // what a comment line begins with, nil for none
	remark  func(line []byte) error // called with each comment line, if set

	buf    []byte
	r, w   int
	offset int64 // of buf[0] in the text
	err    error // of src, io.EOF at its end

	line    int64 // of buf[r], from 1
	alone   int64 // before this offset each line is a record
	fields  [][]byte
	count   int   // fields in the record, also of those over maxColumns
	doubled []int // fields with doubled quotes
}

func newCSVReader(src io.Reader, comma byte) *csvReader {
	return &csvReader{src: src, comma: comma, buf: make([]byte, readSize), line: 1}
}

// next gives the next record in c.fields, valid until the following call, and
// the line on which it begins. want is the number of fields it should have, 0
// if any number will do. fault is set instead of the fields for a record that
// can't be taken. err is io.EOF after the last record.
func (c *csvReader) next(want int) (line int64, fault string, err error) {
	for {
		if skipped, err := c.skip(); err != nil {
			return 0, "", err
		} else if skipped {
			continue
		}
		data, atEnd := c.buf[c.r:c.w], c.err == io.EOF
		alone := c.offset+int64(c.r) < c.alone
		if alone {
			end := bytes.IndexByte(data, '\n')
			if end >= 0 {
				data, atEnd = data[:end+1], true
			}
		}
		n, askew, whole := c.record(data, atEnd, want)
		if !whole && len(data) <= maxRecord {
			had := c.w - c.r
			c.fill()
			// A fault may come with the octets before it: those are read first.
			if c.w-c.r == had && c.err != nil && c.err != io.EOF {
				return 0, "", c.err
			}
			continue
		}
		spans := lines(data[:n])
		long := !whole || n > maxRecord
		if !alone && spans > 1 && (long || askew) {
			c.alone = c.offset + int64(c.r+n)
			continue
		}
		line = c.line
		if long {
			err := c.skipLine()
			return line, fmt.Sprintf("the row is longer than %d octets", maxRecord), err
		}
		c.r += n
		c.line += int64(spans)
		return line, c.accept(data[:n], want), nil
	}
}

var newline = []byte{'\n'}

// lines counts the lines that a record takes, also one without a line end.
func lines(record []byte) int {
	n := bytes.Count(record, newline)
	if len(record) == 0 || record[len(record)-1] != '\n' {
		n++
	}
	return n
}

// record finds the record at the start of data, as split does. askew is left
// only if it can't be read another way and the number of fields was to fit.
func (c *csvReader) record(data []byte, last bool, want int) (n int, askew, whole bool) {
	n, askew, whole = c.split(data, last, false)
	if !askew || !whole || want == 0 {
		return n, false, whole
	}
	if c.count == want && lines(data[:n]) == 1 {
		return n, false, whole
	}
	// What lies behind the record may not be read yet, so it has no say.
	if m, askew, _ := c.split(data[:n], true, true); !askew && c.count == want {
		return m, false, true
	}
	return c.split(data, last, false)
}

// accept checks the record that split found and removes its doubled quotes.
func (c *csvReader) accept(record []byte, want int) (fault string) {
	switch {
	case bytes.IndexByte(record, 0) >= 0:
		return "the row has a NUL octet"
	case c.count > maxColumns:
		return fmt.Sprintf("the row has %d fields, the bound is %d", c.count, maxColumns)
	case want > 0 && c.count != want:
		return fmt.Sprintf("the row has %d fields, the header has %d", c.count, want)
	}
	for _, i := range c.doubled {
		c.fields[i] = single(c.fields[i])
	}
	return ""
}

// skip passes over an empty or a comment line at the reader's position.
func (c *csvReader) skip() (skipped bool, err error) {
	for c.w-c.r < 2+len(c.comment) && c.err == nil {
		c.fill()
	}
	data := c.buf[c.r:c.w]
	if len(data) == 0 || c.err != nil && c.err != io.EOF && bytes.IndexByte(data, '\n') < 0 {
		return false, c.err
	}
	switch {
	case data[0] == '\n':
		c.r++
		c.line++
		return true, nil
	case data[0] == '\r' && (len(data) == 1 || data[1] == '\n'):
		c.r += min(len(data), 2)
		c.line++
		return true, nil
	case c.comment != nil && bytes.HasPrefix(data, c.comment):
		return true, c.skipComment()
	}
	return false, nil
}

func (c *csvReader) skipComment() error {
	end := bytes.IndexByte(c.buf[c.r:c.w], '\n')
	for end < 0 && c.err == nil && c.w-c.r <= maxRecord {
		c.fill()
		end = bytes.IndexByte(c.buf[c.r:c.w], '\n')
	}
	line := c.buf[c.r:c.w]
	if end >= 0 {
		line = line[:end]
	}
	if c.remark != nil && len(line) <= maxRecord {
		if err := c.remark(line); err != nil {
			return err
		}
	}
	return c.skipLine()
}

// skipLine passes over the rest of the line without keeping it.
func (c *csvReader) skipLine() error {
	for {
		if end := bytes.IndexByte(c.buf[c.r:c.w], '\n'); end >= 0 {
			c.r += end + 1
			c.line++
			return nil
		}
		c.r = c.w
		if c.err == io.EOF {
			return nil
		}
		if c.err != nil {
			return c.err
		}
		c.fill()
	}
}

// fill reads on. It at least doubles what is left in the buffer, so that a
// source which gives little at a time doesn't make us look at a record over and
// over.
func (c *csvReader) fill() {
	if c.r > 0 {
		copy(c.buf, c.buf[c.r:c.w])
		c.offset += int64(c.r)
		c.w -= c.r
		c.r = 0
	}
	if c.w == len(c.buf) {
		c.buf = append(c.buf, make([]byte, min(len(c.buf), maxRecord+readSize-len(c.buf)))...)
	}
	enough := min(2*c.w+1, len(c.buf))
	for idle := 0; c.w < enough && c.err == nil; idle++ {
		var n int
		n, c.err = c.src.Read(c.buf[c.w:])
		c.w += n
		if n > 0 {
			idle = 0
		} else if idle > 100 {
			c.err = io.ErrNoProgress
		}
	}
}

// split finds the fields of the record at the start of data. It gives the
// record's length with its line end, whether a quote was where RFC 4180 has
// none, and false if the record goes on behind data; last says that it can't.
// With escapes, a quote behind a backslash closes nothing.
func (c *csvReader) split(data []byte, last, escapes bool) (n int, askew, whole bool) {
	c.fields, c.doubled, c.count = c.fields[:0], c.doubled[:0], 0
	for i := 0; ; {
		if i < len(data) && data[i] == '"' {
			end, doubled, bad := quoted(data, i+1, c.comma, escapes)
			if end < 0 {
				if !last {
					return len(data), askew, false
				}
				end, bad = len(data), true
			}
			if doubled {
				c.doubled = append(c.doubled, c.count)
			}
			askew = askew || bad
			c.add(data[i+1 : end])
			if i = end + 1; i < len(data) && data[i] == c.comma {
				i++
				continue
			}
			if i < len(data) && data[i] == '\r' {
				i++
			}
			return c.end(i, len(data), last, askew)
		}
		j := i
		for j < len(data) && data[j] != c.comma && data[j] != '\n' {
			j++
		}
		if j < len(data) && data[j] == c.comma {
			c.add(data[i:j])
			i = j + 1
			continue
		}
		if j == len(data) && !last {
			return j, askew, false
		}
		c.add(bytes.TrimSuffix(data[i:j], []byte{'\r'}))
		return c.end(j, len(data), last, askew)
	}
}

// end gives split's answer for a record whose last field ends before i.
func (c *csvReader) end(i, size int, last, askew bool) (int, bool, bool) {
	if i < size {
		return i + 1, askew, true
	}
	return size, askew, last
}

func (c *csvReader) add(field []byte) {
	if c.count < maxColumns {
		c.fields = append(c.fields, field)
	} else if k := len(c.doubled); k > 0 && c.doubled[k-1] == c.count {
		c.doubled = c.doubled[:k-1]
	}
	c.count++
}

// quoted finds the quote that closes the field whose content begins at i: one
// that stands before a delimiter, a line end or the end of data. end is -1 if
// there is none.
func quoted(data []byte, i int, comma byte, escapes bool) (end int, doubled, askew bool) {
	for {
		k := bytes.IndexByte(data[i:], '"')
		if k < 0 {
			return -1, doubled, askew
		}
		i += k
		rest := data[i+1:]
		switch {
		case escapes && data[i-1] == '\\':
			i++
		case len(rest) == 0, rest[0] == comma, rest[0] == '\n':
			return i, doubled, askew
		case rest[0] == '"':
			doubled = true
			i += 2
		case rest[0] == '\r' && (len(rest) == 1 || rest[1] == '\n'):
			return i, doubled, askew
		default:
			askew = true
			i++
		}
	}
}

// single makes each doubled quote one, in place.
func single(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		out = append(out, b[i])
		if b[i] == '"' && i+1 < len(b) && b[i+1] == '"' {
			i++
		}
	}
	return out
}
