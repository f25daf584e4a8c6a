package capture

import (
	"bytes"

	"tocsin/traffic"
)

var _ = add(Format{Name: "zeek-json", About: "Zeek logs as JSON, one object a line or in an array; types may be mixed",
	knows: knowsZeekJSON, open: openZeekJSON})

// zeekJSON reads Zeek's logs as JSON. Unset values are left out of an object, so each
// row is looked at for itself; the type of the row before is tried first.
type zeekJSON struct {
	objects jsonLines
	tally   *tally
	row     zeekRow
	log     *zeekJSONLog
	hint    string // the type that the file's name tells
}

// zeekJSONLog is a type of log with its keys.
type zeekJSONLog struct {
	*zeekLog
	path  string
	keys  *keyTable
	marks uint32 // bits of those values that mark the type
}

// What keys besides a type's own columns are looked for.
const (
	zeekPathKey = zeekColumns + iota
	zeekIDKey   // "id":{"orig_h":…}, as zq writes it
	zeekMarkKey // marks that aren't wanted columns
	zeekNeverKey
	zeekStampKey // "@timestamp", where a shipper took "ts" for it
)

var zeekJSONLogs = func() []*zeekJSONLog {
	var all []*zeekJSONLog
	for _, path := range zeekOrder {
		all = append(all, newZeekJSONLog(path))
	}
	return all
}()

func newZeekJSONLog(path string) *zeekJSONLog {
	l := &zeekJSONLog{zeekLog: zeekLogs[path], path: path}
	l.keys = newKeys(l.columns)
	mark := map[string]bool{}
	for _, name := range l.zeekLog.marks {
		mark[name] = true
		if l.keys.find([]byte(name)) < 0 {
			l.keys.alias(name, zeekMarkKey)
		}
	}
	for i, name := range l.columns {
		if mark[name] {
			l.marks |= 1 << i
		}
		if rest, ok := bytes.CutPrefix([]byte(name), []byte("id.")); ok {
			l.keys.alias("id_"+string(rest), i)
		}
	}
	for _, name := range l.never {
		l.keys.alias(name, zeekNeverKey)
	}
	l.keys.alias("_path", zeekPathKey)
	l.keys.alias("@timestamp", zeekStampKey)
	if l.keys.find([]byte("id")) < 0 {
		l.keys.alias("id", zeekIDKey)
	}
	return l
}

// knowsZeekJSON wants an object that begins with members of Zeek's and isn't EVE.
func knowsZeekJSON(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n[")
	if len(head) == 0 || head[0] != '{' || bytes.Contains(firstObject(head), []byte(`"event_type"`)) {
		return false
	}
	first := firstObject(head)
	for _, key := range []string{`"_path"`, `"ts"`, `"uid"`, `"id.orig_h"`, `"fuid"`} {
		if bytes.Contains(first, []byte(key)) {
			return true
		}
	}
	return bytes.Contains(first, []byte(`"name"`)) && bytes.Contains(first, []byte(`.zeek"`)) // loaded_scripts.log
}

// firstObject cuts off what follows the first object, or gives all if it isn't closed.
func firstObject(head []byte) []byte {
	object, _ := jsonNested(head, 0)
	return object
}

func openZeekJSON(s source) (decoder, error) {
	z := &zeekJSON{objects: newJSONLines(s), tally: s.tally, log: zeekJSONLogs[0], hint: zeekPath(s.name)}
	z.row.json = true
	for _, l := range zeekJSONLogs {
		if l.zeekLog == zeekLogs[z.hint] {
			z.log = l
		}
	}
	return z, nil
}

func (z *zeekJSON) fill(b *traffic.Batch) error {
	for b.Len() < batchRecords {
		object, err := z.objects.next()
		if err == errLong {
			z.tally.Rows++
			z.tally.refuse(z.tally.Rows, z.objects.lines.n, "", err.Error())
			continue
		}
		if err != nil {
			return err
		}
		z.take(object, b)
	}
	return nil
}

// take reads one object.
func (z *zeekJSON) take(object []byte, b *traffic.Batch) {
	z.tally.Rows++
	found, ok := z.scan(object, z.log)
	if !ok {
		z.tally.refuse(z.tally.Rows, z.objects.lines.n, "", "not a whole JSON object: the line was cut or isn't JSON")
		return
	}
	if !found && !z.other(object) {
		z.tally.Skipped++
		return
	}
	for i, v := range z.row.v[:len(z.log.columns)] {
		if v != nil && v[0] != '[' {
			z.row.v[i] = jsonText(v)
		}
	}
	if field, reason := z.log.take(&z.row, b); reason != "" {
		z.tally.refuse(z.tally.Rows, z.objects.lines.n, field, reason)
	}
}

// other looks for the type that an object is of, and scans it as that.
func (z *zeekJSON) other(object []byte) bool {
	for _, l := range zeekJSONLogs {
		if l == z.log {
			continue
		}
		if found, _ := z.scan(object, l); found {
			z.log = l
			return true
		}
	}
	return false
}

// scan takes an object's values as those of a type. found tells whether it is of that
// type, ok whether it is a sound object.
func (z *zeekJSON) scan(object []byte, l *zeekJSONLog) (found, ok bool) {
	clear(z.row.v[:len(l.columns)])
	z.row.path = z.hint
	var seen uint32
	path, stamp, never, marked := []byte(nil), []byte(nil), false, false
	w := jsonWalk{b: object}
	for {
		key, value, more := w.next()
		if !more {
			break
		}
		switch id := l.keys.find(key); id {
		case -1:
		case zeekPathKey:
			path = jsonText(value)
		case zeekIDKey:
			z.nested(value, l)
		case zeekMarkKey:
			marked = true
		case zeekNeverKey:
			never = true
		case zeekStampKey:
			stamp = value
		default:
			z.row.v[id] = value
			seen |= 1 << id
		}
	}
	if z.row.v[zeekTS] == nil {
		z.row.v[zeekTS] = stamp
	}
	switch {
	case w.broken:
		return false, false
	case path != nil && zeekLogs[string(path)] == l.zeekLog:
		if l.path != string(path) {
			z.row.path = string(path)
		}
		return true, true
	case path != nil && zeekLogs[string(path)] == nil && zeekPath(string(path)) == "":
		return false, true
	}
	return !never && (marked || seen&l.marks != 0), true
}

// nested takes the endpoints out of "id":{"orig_h":…}.
func (z *zeekJSON) nested(value []byte, l *zeekJSONLog) {
	if value[0] != '{' {
		return
	}
	w := jsonWalk{b: value}
	for {
		key, value, more := w.next()
		if !more {
			return
		}
		switch string(key) {
		case "orig_h":
			z.row.v[zeekOrig] = value
		case "orig_p":
			z.row.v[zeekOrigPort] = value
		case "resp_h":
			z.row.v[zeekResp] = value
		case "resp_p":
			z.row.v[zeekRespPort] = value
		}
	}
}
