package capture

import (
	"bytes"
	"slices"
)

// maxWraps is how deep a record may be wrapped.
const maxWraps = 3

// maxPrefix is how far into a line what a shipper puts before a JSON object may go.
const maxPrefix = 256

// wrapKeys are the members that shippers and stores put a sensor's own record into, as
// an object or as text: Elasticsearch, Filebeat and Fluent Bit, Docker, Splunk.
var wrapKeys = newKeys([]string{"_source", "message", "log", "_raw", "result", "event", "original", "record", "data"})

// wrapping undoes what shippers do to a sensor's records on their way: words before the
// object, as syslog has them, and objects or texts around it. What it is made of stays
// the same in a file, so it is learnt from its first record.
type wrapping struct {
	prefix bool
	keys   [][]byte // from the outside in
}

// wrapped finds how the records of a capture are wrapped by its first one, and gives
// that one bare. Nil if they aren't.
func wrapped(head []byte) (*wrapping, []byte) {
	w := &wrapping{}
	head = bytes.TrimLeft(head, " \t\r\n")
	line, _, _ := bytes.Cut(head, []byte("\n"))
	if len(head) > 0 && head[0] != '{' && head[0] != '[' && head[0] != '#' {
		i := bytes.Index(line[:min(len(line), maxPrefix)], []byte(`{"`))
		if i < 0 {
			return nil, nil
		}
		w.prefix, head = true, head[i:]
	}
	head = bytes.TrimLeft(head, " \t\r\n[")
	if len(head) == 0 || head[0] != '{' {
		return nil, nil
	}
	keys, object := wrapsOf(bytes.Clone(firstObject(head)), maxWraps)
	if !w.prefix && len(keys) == 0 {
		return nil, nil
	}
	w.keys = keys
	return w, append(object, '\n')
}

// wrapsOf finds the members, from the outside in, that hold the record of an object: of
// wrapKeys, or the only one there is, under the name of its log. It gives none, and the
// object, if nothing inside is of a known format.
func wrapsOf(object []byte, depth int) (keys [][]byte, inner []byte) {
	members := 0
	walk := jsonWalk{b: object}
	for depth > 0 {
		name, value, ok := walk.next()
		if !ok {
			break
		}
		members++
		only := members == 1 && value[0] == '{' && zeekLogs[zeekPath(string(name))] != nil && walk.token() == '}'
		if !only && wrapKeys.find(name) < 0 {
			continue
		}
		bare := recordIn(bytes.Clone(value))
		if bare == nil {
			continue
		}
		if more, inner := wrapsOf(bare, depth-1); len(more) > 0 {
			return append([][]byte{bytes.Clone(name)}, more...), inner
		}
		if slices.ContainsFunc(formats, func(f Format) bool { return f.knows(bare) }) {
			return [][]byte{bytes.Clone(name)}, bare
		}
	}
	return nil, object
}

// recordIn gives a value as an object, nil if it is none and holds none as text. It may
// change the value.
func recordIn(value []byte) []byte {
	if len(value) > 0 && value[0] == '"' {
		value = bytes.TrimSpace(jsonText(value))
	}
	if len(value) < 2 || value[0] != '{' || value[1] != '"' {
		return nil
	}
	return value
}

// bare gives the record within an object; the object itself if it is wrapped in another
// way.
func (w *wrapping) bare(object []byte) []byte {
	for _, key := range w.keys {
		inner := []byte(nil)
		walk := jsonWalk{b: object}
		for inner == nil {
			name, value, ok := walk.next()
			if !ok {
				return object
			}
			if bytes.Equal(name, key) {
				if inner = recordIn(value); inner == nil {
					return object
				}
			}
		}
		object = inner
	}
	return object
}
