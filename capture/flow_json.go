package capture

import (
	"bytes"

	"tocsin/traffic"
)

var _ = add(Format{Name: "flow-json", About: "flow records of other tools as JSON: nfdump -o json, goflow2, Logstash, … Members are told by their names, as a table's columns are",
	knows: knowsFlowJSON, open: openFlowJSON})

// flowJSON reads flow records from JSON objects, by the words of tables.
type flowJSON struct {
	objects jsonLines
	table   table
	name    []byte
	stamped bool // the moment is that of the event
}

// knowsFlowJSON wants an object that names both addresses and a moment, and that no
// other format knows better.
func knowsFlowJSON(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n[")
	if len(head) == 0 || head[0] != '{' || knowsEVE(head) || knowsZeekJSON(head) {
		return false
	}
	var f flowJSON
	f.scan(firstObject(head), 0)
	return f.table.v[colSrc] != nil && f.table.v[colDst] != nil && (f.table.v[colStart] != nil || f.table.v[colStartMillis] != nil)
}

func openFlowJSON(s source) (decoder, error) {
	return &flowJSON{objects: newJSONLines(s), table: table{tally: s.tally}}, nil
}

func (f *flowJSON) fill(b *traffic.Batch) error {
	t := &f.table
	for b.Len() < batchRecords {
		object, err := f.objects.next()
		switch {
		case err == errLong:
			t.tally.Rows++
			t.tally.refuse(t.tally.Rows, f.objects.lines.n, "", err.Error())
		case err != nil:
			t.payload.flush(b)
			return err
		default:
			t.tally.Rows++
			clear(t.v[:])
			t.has, f.stamped = [tableColumns]bool{}, false
			if !f.scan(object, 0) {
				t.tally.refuse(t.tally.Rows, f.objects.lines.n, "", "not a whole JSON object: the line was cut or isn't JSON")
			} else if t.v[colSrc] == nil && t.v[colDst] == nil {
				t.tally.Skipped++ // another kind of event
			} else if field, reason := t.flow(b); reason != "" {
				t.tally.refuse(t.tally.Rows, f.objects.lines.n, field, reason)
			}
		}
	}
	return nil
}

// scan takes the members whose names mean something; those of an object in it are
// named by both.
func (f *flowJSON) scan(object []byte, prefix int) bool {
	w := jsonWalk{b: object}
	for {
		key, value, ok := w.next()
		if !ok {
			return !w.broken
		}
		f.name = append(f.name[:prefix], key...)
		if len(value) > 0 && value[0] == '{' {
			if prefix == 0 {
				f.scan(value, len(f.name))
			}
			continue
		}
		word := foldColumn(f.name)
		at, known := tableWords[word]
		if !known && prefix > 0 {
			at, known = tableWords[foldColumn(key)]
		}
		// When a shipper wrote the event is worth less than when the flow began.
		if known && (f.table.v[at] == nil || f.stamped && at == colStart) {
			f.table.v[at], f.table.has[at] = jsonText(value), true
			if at == colStart {
				f.stamped = word == "timestamp"
			}
		}
	}
}
