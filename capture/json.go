package capture

import (
	"bytes"
	"encoding/binary"
	"math/bits"
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
	inside bool // the object is a member of another, whose text goes on behind it
}

// maxDepth is how deep values may be nested.
const maxDepth = 64

// next gives the next member: its key as it stands between the quotes, and its value
// with quotes, braces or brackets. ok is false after the last, and at a fault, which
// sets broken.
func (w *jsonWalk) next() (key, value []byte, ok bool) {
	if key, ok = w.key(); ok {
		value, ok = w.value()
	}
	return key, value, ok
}

// key gives the next member's key and stops at its value; otherwise as next.
func (w *jsonWalk) key() ([]byte, bool) {
	c := w.token()
	if !w.begun {
		w.begun = true
		if c != '{' {
			return w.fault()
		}
		w.i++
		if c = w.token(); c == '}' {
			return w.end()
		}
	} else {
		switch c {
		case '}':
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
	return key[1 : len(key)-1], true
}

// value gives the value at which key stopped.
func (w *jsonWalk) value() ([]byte, bool) {
	depth := 0
	if w.inside {
		depth = 1
	}
	value, good := jsonValue(w.b[w.i:], depth)
	w.i += len(value)
	if !good || w.inside && odd(value) {
		return w.fault()
	}
	return value, true
}

// odd tells a bare value with a quote or a brace in it, at which those who look for
// the end of the object around it would stumble.
func odd(value []byte) bool {
	if c := value[0]; c == '"' || c == '{' || c == '[' {
		return false
	}
	for _, c := range value {
		if c == '"' || c == '{' || c == '[' {
			return true
		}
	}
	return false
}

// members gives the value at which key stopped as value does and, if it is an object,
// its members by a table as walk does, in one pass over both.
func (w *jsonWalk) members(keys *keyTable, v [][]byte) ([]byte, bool) {
	inner := jsonWalk{b: w.b, i: w.i, inside: true}
	inner.into(keys, v)
	if begin := w.i; !inner.broken {
		w.i = inner.i
		return w.b[begin:w.i], true
	}
	value, ok := w.value() // none, or not a sound one: what there is of it
	if ok {
		walk(value, keys, v)
	}
	return value, ok
}

// into puts the values of members into their places in v.
func (w *jsonWalk) into(keys *keyTable, v [][]byte) {
	clear(v)
	for {
		key, value, ok := w.next()
		if !ok {
			return
		}
		if id := keys.find(key); id >= 0 {
			v[id] = value
		}
	}
}

// walk gives the members of an object by a table.
func walk(object []byte, keys *keyTable, v [][]byte) {
	w := jsonWalk{b: object}
	w.into(keys, v)
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

// end passes over the last brace and wants nothing but white space behind it.
func (w *jsonWalk) end() ([]byte, bool) {
	w.i++
	if !w.inside && w.token() != 0 {
		return w.fault()
	}
	return nil, false
}

func (w *jsonWalk) fault() ([]byte, bool) {
	w.broken = true
	w.i = len(w.b)
	return nil, false
}

// jsonString gives the string that b begins with, quotes included.
func jsonString(b []byte) ([]byte, bool) {
	i := 1
	for i < len(b) {
		if i = nextQuote(b, i); i >= len(b) {
			break
		}
		if b[i] == '"' {
			return b[:i+1], true
		}
		i += 2 // what stands behind a backslash ends nothing
	}
	return b, false
}

// nextQuote gives the place of the first quote or backslash from i on, len(b) if
// there is none. Names and values are short: eight octets at a time in a register
// (Mycroft's test for a zero octet) finish sooner than a call does.
func nextQuote(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, back := w^'"'*ones, w^'\\'*ones
		if found := ((quote-ones)&^quote | (back-ones)&^back) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)>>3
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// jsonValue gives the value that b begins with, itself within depth others.
func jsonValue(b []byte, depth int) ([]byte, bool) {
	if len(b) == 0 {
		return b, false
	}
	switch b[0] {
	case '"':
		return jsonString(b)
	case '{', '[':
		return jsonNested(b, depth)
	}
	i := 0
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return b[:i], i > 0 && (b[0] == '-' || b[0]-'0' <= 9 || b[0] == 't' || b[0] == 'f' || b[0] == 'n')
}

// jsonNested gives the object or array that b begins with, itself within others.
func jsonNested(b []byte, within int) ([]byte, bool) {
	depth := within
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
			if depth--; depth == within {
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
		e, ok := jsonValue(w.b[w.i:], 0)
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
