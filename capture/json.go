package capture

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonWalk goes over the members of one JSON object (RFC 8259) without making
// anything of them: keys and values are cut from the text. It checks the structure,
// not each value's every octet: what a value should be, its reader checks.
type jsonWalk struct {
	b      []byte
	i      int
	begun  bool
	broken bool
}

// maxDepth is how deep values may be nested.
const maxDepth = 64

// next gives the next member: its key as it stands between the quotes, and its value
// with quotes, braces or brackets. ok is false after the last, and at a fault, which
// sets broken.
func (w *jsonWalk) next() (key, value []byte, ok bool) {
	c := w.token()
	if !w.begun {
		w.begun = true
		if c != '{' {
			return w.fault()
		}
		w.i++
		if c = w.token(); c == '}' {
			w.i++
			return w.end()
		}
	} else {
		switch c {
		case '}':
			w.i++
			return w.end()
		case ',':
			w.i++
			c = w.token()
		default:
			return w.fault()
		}
	}
	if c != '"' {
		return w.fault()
	}
	key, good := jsonString(w.b[w.i:])
	w.i += len(key)
	if !good || w.token() != ':' {
		return w.fault()
	}
	w.i++
	w.token()
	value, good = jsonValue(w.b[w.i:])
	w.i += len(value)
	if !good {
		return w.fault()
	}
	return key[1 : len(key)-1], value, true
}

// token passes over white space and gives the octet after it, 0 at the end.
func (w *jsonWalk) token() byte {
	for w.i < len(w.b) {
		if c := w.b[w.i]; c > ' ' {
			return c
		}
		w.i++
	}
	return 0
}

// end wants nothing but white space behind the object.
func (w *jsonWalk) end() (key, value []byte, ok bool) {
	if w.token() != 0 {
		return w.fault()
	}
	return nil, nil, false
}

func (w *jsonWalk) fault() (key, value []byte, ok bool) {
	w.broken = true
	w.i = len(w.b)
	return nil, nil, false
}

// jsonString gives the string that b begins with, quotes included.
func jsonString(b []byte) ([]byte, bool) {
	for i := 1; i < len(b); {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return b, false
		}
		i += n
		back := i - 1
		for b[back] == '\\' { // ends at the opening quote at the latest
			back--
		}
		i++
		if (i-back)%2 == 0 {
			return b[:i], true
		}
	}
	return b, false
}

// jsonValue gives the value that b begins with.
func jsonValue(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return b, false
	}
	switch b[0] {
	case '"':
		return jsonString(b)
	case '{', '[':
		return jsonNested(b)
	}
	i := 0
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return b[:i], i > 0 && (b[0] == '-' || b[0]-'0' <= 9 || b[0] == 't' || b[0] == 'f' || b[0] == 'n')
}

// jsonNested gives the object or array that b begins with.
func jsonNested(b []byte) ([]byte, bool) {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			s, ok := jsonString(b[i:])
			if !ok {
				return b, false
			}
			i += len(s) - 1
		case '{', '[':
			if depth++; depth > maxDepth {
				return b, false
			}
		case '}', ']':
			if depth--; depth == 0 {
				return b[:i+1], true
			}
		}
	}
	return b, false
}

// jsonEach calls f with the elements of an array, strings without quotes and escapes,
// until it gives false.
func jsonEach(v []byte, f func(element []byte) bool) {
	jsonElements(v, func(e []byte) bool { return f(jsonText(e)) })
}

// jsonElements calls f with the raw elements of an array until it gives false.
func jsonElements(v []byte, f func(element []byte) bool) {
	w := jsonWalk{b: v, i: 1}
	for len(v) > 0 && v[0] == '[' {
		c := w.token()
		if c == ',' {
			w.i++
			c = w.token()
		}
		if c == 0 || c == ']' {
			return
		}
		e, ok := jsonValue(w.b[w.i:])
		w.i += len(e)
		if !ok || !f(e) {
			return
		}
	}
}

// jsonText gives what a value says: a string without quotes, its escapes undone in
// place; nil for null; anything else as it stands.
func jsonText(v []byte) []byte {
	switch {
	case len(v) >= 2 && v[0] == '"':
		v = v[1 : len(v)-1]
		if i := bytes.IndexByte(v, '\\'); i >= 0 {
			return jsonUnescape(v, i)
		}
		return v
	case len(v) == 4 && v[0] == 'n':
		return nil
	}
	return v
}

// jsonUnescape undoes escapes in place, from the first at i on. What it writes is
// never longer than what it read.
func jsonUnescape(v []byte, i int) []byte {
	out := v[:i]
	for ; i < len(v); i++ {
		if v[i] != '\\' || i+1 == len(v) {
			out = append(out, v[i])
			continue
		}
		i++
		switch v[i] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, n := jsonRune(v[i+1:])
			out = utf8.AppendRune(out, r)
			i += n
		default:
			out = append(out, v[i])
		}
	}
	return out
}

// jsonRune reads the digits behind \u, and those of a second half if need be; n is
// how many octets that were.
func jsonRune(b []byte) (r rune, n int) {
	first, ok := hex4(b)
	if !ok {
		return utf8.RuneError, 0
	}
	if !utf16.IsSurrogate(first) {
		return first, 4
	}
	if len(b) >= 10 && b[4] == '\\' && b[5] == 'u' {
		if second, ok := hex4(b[6:]); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 10
			}
		}
	}
	return utf8.RuneError, 4
}

func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		h := hexDigit(c)
		if h > 15 {
			return 0, false
		}
		r = r<<4 | rune(h)
	}
	return r, true
}
