package indicator

import (
	"bufio"
	"bytes"
	"io"
)

// maxLine is the longest line that is read, in octets.
const maxLine = 64 << 10

// lines reads lines of text.
type lines struct {
	in     *bufio.Reader
	number int64 // of the line last read
}

// next gives the next line, without its end, or io.EOF. A line longer than maxLine
// comes as long, cut.
func (l *lines) next() (line []byte, long bool, err error) {
	line, err = l.in.ReadSlice('\n')
	l.number++
	if err == bufio.ErrBufferFull {
		for err == bufio.ErrBufferFull {
			_, err = l.in.ReadSlice('\n')
		}
		return nil, true, eofAfter(err, 1)
	}
	n := len(line)
	return bytes.TrimRight(line, "\r\n"), false, eofAfter(err, n)
}

// eofAfter lets a last line without an end be a line.
func eofAfter(err error, n int) error {
	if err == io.EOF && n > 0 {
		return nil
	}
	return err
}

// split cuts a line into fields. Between commas and semicolons a field may stand in
// quotes, a quote in it doubled (RFC 4180), with blanks around them as some lists
// write; it doesn't reach over the end of the line. Between tabs quotes are letters.
func split(fields []string, line []byte, comma byte) []string {
	for {
		var field string
		if comma != '\t' {
			line = bytes.TrimLeft(line, " ")
		}
		if comma != '\t' && len(line) > 0 && line[0] == '"' {
			field, line = unquote(line[1:])
			if i := bytes.IndexByte(line, comma); i >= 0 {
				line = line[i:]
			} else {
				line = nil
			}
		} else {
			end := bytes.IndexByte(line, comma)
			if end < 0 {
				end = len(line)
			}
			field, line = string(bytes.TrimSpace(line[:end])), line[end:]
		}
		fields = append(fields, field)
		if len(line) == 0 {
			return fields
		}
		line = line[1:]
	}
}

// unquote takes a field up to its closing quote, or all there is, and what follows.
func unquote(line []byte) (field string, rest []byte) {
	var text []byte
	for {
		end := bytes.IndexByte(line, '"')
		if end < 0 {
			return string(append(text, line...)), nil
		}
		text, line = append(text, line[:end]...), line[end+1:]
		if len(line) == 0 || line[0] != '"' {
			return string(text), line
		}
		text, line = append(text, '"'), line[1:]
	}
}
