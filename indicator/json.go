package indicator

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/valyala/fastjson"

	"tocsin/casebook"
)

// json reads a list in JSON: one object a line, or one document.
func (r *reading) json(in *bufio.Reader) error {
	head, _ := in.Peek(in.Size())
	if line, _, found := bytes.Cut(head, []byte("\n")); found && fastjson.ValidateBytes(bytes.TrimSpace(line)) == nil && bytes.TrimSpace(line)[0] == '{' {
		if rest := bytes.TrimSpace(head[len(line):]); len(rest) > 0 {
			return r.jsonLines(in)
		}
	}
	text, err := io.ReadAll(io.LimitReader(in, maxJSON+1))
	if err != nil {
		return err
	}
	if len(text) > maxJSON {
		return fmt.Errorf("a JSON document of more than %d octets; write one object a line: %w", maxJSON, casebook.ErrTooLarge)
	}
	var p fastjson.Parser
	doc, err := p.ParseBytes(text)
	if err != nil {
		return fmt.Errorf("JSON that breaks off or is wrong (%v): %w", err, casebook.ErrInvalid)
	}
	return r.document(doc)
}

// document tells the kinds of JSON lists apart by their members.
func (r *reading) document(doc *fastjson.Value) error {
	switch {
	case doc.Exists("list") && doc.Exists("type"):
		r.file.Format = "warninglist"
		return r.warningList(doc)
	case doc.Exists("values") && doc.Exists("uuid"):
		r.file.Format = "galaxy"
		return r.galaxy(doc)
	case string(doc.GetStringBytes("type")) == "bundle":
		r.file.Format = "stix"
		return r.stix(doc.GetArray("objects"))
	case doc.Exists("Event"), doc.Exists("response"), doc.Exists("Attribute"):
		r.file.Format = "misp"
		return r.misp(doc)
	}
	r.file.Format = "json"
	list := doc.GetArray()
	if list == nil {
		doc.GetObject().Visit(func(key []byte, v *fastjson.Value) { // ThreatFox: a list of one under each id
			if v.Type() == fastjson.TypeArray {
				list = append(list, v.GetArray()...)
			} else if v.Type() == fastjson.TypeObject {
				list = append(list, v)
			}
		})
	}
	for i, v := range list {
		if err := r.object(int64(i+1), v); err != nil {
			return err
		}
	}
	if r.file.Taken == 0 {
		return errNoList
	}
	return nil
}

func (r *reading) jsonLines(in *bufio.Reader) error {
	r.file.Format = "json"
	l := lines{in: in}
	var p fastjson.Parser
	for {
		line, long, err := l.next()
		if err != nil {
			return endOf(err)
		}
		if long {
			r.refuse(l.number, "", errLong)
			continue
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		v, err := p.ParseBytes(line)
		if err != nil {
			r.refuse(l.number, string(line), fault("JSON that is wrong"))
			continue
		}
		if string(v.GetStringBytes("type")) == "indicator" && v.Exists("pattern") {
			r.file.Format = "stix"
			err = r.stix([]*fastjson.Value{v})
		} else {
			err = r.object(l.number, v)
		}
		if err != nil {
			return err
		}
	}
}

// object takes a record by its members' names, which are those of columns. A list's
// element that is a text is an indicator.
func (r *reading) object(line int64, v *fastjson.Value) error {
	r.row.reset(r.source)
	if v.Type() == fastjson.TypeString {
		r.row.set(columnValue, string(v.GetStringBytes()))
		return r.takeRow(line)
	}
	var names []string
	v.GetObject().Visit(func(key []byte, _ *fastjson.Value) { names = append(names, string(key)) })
	columns, _ := columnsOf(names)
	for i, name := range names {
		member := v.Get(name)
		switch member.Type() {
		case fastjson.TypeString:
			r.row.set(columns[i], string(member.GetStringBytes()))
		case fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
			r.row.set(columns[i], member.String())
		}
	}
	return r.takeRow(line)
}

// galaxy reads a cluster file of misp-galaxy: families and their synonyms.
func (r *reading) galaxy(doc *fastjson.Value) error {
	for i, v := range doc.GetArray("values") {
		name := string(v.GetStringBytes("value"))
		if name == "" {
			r.refuse(int64(i+1), "", errEmpty)
			continue
		}
		var synonyms []string
		for _, s := range v.GetArray("meta", "synonyms") {
			synonyms = append(synonyms, string(s.GetStringBytes()))
		}
		r.families.Add(name, synonyms)
		r.taken()
	}
	return nil
}

// misp reads events as MISP exports them.
func (r *reading) misp(doc *fastjson.Value) error {
	events := doc.GetArray("response")
	if events == nil {
		events = []*fastjson.Value{doc}
	}
	line := int64(0)
	for _, e := range events {
		if inner := e.Get("Event"); inner != nil {
			e = inner
		}
		lists := [][]*fastjson.Value{e.GetArray("Attribute")}
		for _, o := range e.GetArray("Object") {
			lists = append(lists, o.GetArray("Attribute"))
		}
		for _, list := range lists {
			for _, v := range list {
				line++
				if err := r.attribute(line, e, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// attribute takes one attribute of a MISP event.
func (r *reading) attribute(line int64, event, v *fastjson.Value) error {
	r.row.reset(r.source)
	for _, m := range [...]struct {
		name   string
		column column
	}{{"type", columnType}, {"value", columnValue}, {"first_seen", columnFirst}, {"last_seen", columnLast}, {"timestamp", columnFirst}} {
		if text := v.GetStringBytes(m.name); len(text) > 0 && !(m.name == "timestamp" && r.row.claim.First != 0) {
			r.row.set(m.column, string(text))
		}
	}
	r.row.unfit = v.Exists("to_ids") && !v.GetBool("to_ids") && string(v.GetStringBytes("to_ids")) != "1"
	for _, of := range []*fastjson.Value{v, event} {
		for _, tag := range of.GetArray("Tag") {
			if family := galaxyTag(string(tag.GetStringBytes("name"))); family != "" && r.row.claim.Family == "" {
				r.row.claim.Family = family
			}
		}
	}
	return r.takeRow(line)
}

// galaxyTag finds a family in a tag such as misp-galaxy:malpedia="Emotet".
func galaxyTag(tag string) string {
	for _, galaxy := range []string{"malpedia", "botnet", "banker", "rat", "stealer", "backdoor", "ransomware", "tool"} {
		if family, found := bytes.CutPrefix([]byte(tag), []byte("misp-galaxy:"+galaxy+`="`)); found {
			return string(bytes.TrimSuffix(family, []byte(`"`)))
		}
	}
	return ""
}
