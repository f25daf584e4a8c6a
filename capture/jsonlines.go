package capture

import (
	"bytes"
	"io"
)

// jsonLines splits a capture into JSON objects: one a line as sensors write them, or,
// where somebody put them into an array or spread them over lines, one by one.
type jsonLines struct {
	lines  lines
	spread bool
	object []byte
	wrap   *wrapping
}

// newJSONLines looks at the first octets for which of the two it is.
func newJSONLines(s source) jsonLines {
	j := jsonLines{lines: lines{r: s.in, n: s.before}, wrap: s.wrap}
	if s.wrap != nil && s.wrap.prefix {
		return j // a line each
	}
	head := bytes.TrimLeft(s.head, " \t\r\n")
	line, _, whole := bytes.Cut(head, []byte("\n"))
	if len(head) > 0 && head[0] == '[' {
		j.spread = true
	} else if whole {
		w := jsonWalk{b: line}
		for ok := true; ok; {
			_, _, ok = w.next()
		}
		// Broken by an end that comes too early: the object goes on in the next line.
		j.spread = w.broken && !bytes.HasSuffix(bytes.TrimSpace(line), []byte("}"))
	}
	return j
}

// next gives the next object, valid until the call after; errLong for one that is
// over the bound and was passed over, io.EOF after the last.
func (j *jsonLines) next() ([]byte, error) {
	object, err := j.whole()
	if j.wrap != nil && err == nil {
		object = j.wrap.bare(object)
	}
	return object, err
}

// whole gives the next object as it stands.
func (j *jsonLines) whole() ([]byte, error) {
	if j.spread {
		return j.nextSpread()
	}
	for {
		line, err := j.lines.next()
		if err != nil {
			return nil, err
		}
		if j.wrap != nil && j.wrap.prefix {
			if i := bytes.Index(line[:min(len(line), maxPrefix)], []byte(`{"`)); i > 0 {
				line = line[i:]
			}
		}
		if len(line) > 0 && (line[0] == '{' || len(bytes.TrimSpace(line)) > 0) {
			return line, nil
		}
	}
}

// nextSpread reads octet by octet up to the brace that closes the object. lines.n
// counts line ends.
func (j *jsonLines) nextSpread() ([]byte, error) {
	depth, quoted, escaped, long := 0, false, false, false
	j.object = j.object[:0]
	for {
		c, err := j.lines.r.ReadByte()
		if err == io.EOF && depth > 0 {
			return j.object, nil // cut in the middle: its reader refuses it
		}
		if err != nil {
			return nil, err
		}
		if c == '\n' {
			j.lines.n++
		}
		if depth == 0 && c != '{' {
			continue
		}
		if long = long || len(j.object) >= maxLine; !long {
			j.object = append(j.object, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth > 0 {
				continue
			}
			if long {
				return nil, errLong
			}
			return j.object, nil
		}
	}
}
