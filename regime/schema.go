package regime

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// Schema gives the JSON Schema (draft 2020-12) of a pack, of an overlay too, as
// indented JSON. It says the shape; what fits together is verified by loading.
func Schema() []byte { return schema() }

var schema = sync.OnceValue(func() []byte {
	s := objectSchema(reflect.TypeFor[Pack]())
	properties := s["properties"].(map[string]any)
	properties["overlay"] = map[string]any{"type": "string", "description": "the regime that this file is laid over; it then needs confirmed_by and states only what changes"}
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "A regime as tocsin reads it"
	s["anyOf"] = []any{
		map[string]any{"required": []string{"overlay", "confirmed_by"}},
		map[string]any{"required": []string{"inherits", "id", "version"}},
		map[string]any{"required": []string{"id", "version", "name", "jurisdiction", "status", "confidence", "sources", "consequences"}},
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // maps and strings only
	}
	return text
})

// enums are the words that a field may hold, by the struct it is in and its name.
var enums = map[string][]string{
	"Pack.status": {"in_force", "historical", "proposed", "catalogue"}, "Pack.confidence": confidences,
	"Rule.confidence": confidences, "Reading.confidence": confidences, "Power.confidence": confidences,
	"Cap.confidence": confidences, "Roll.confidence": confidences, "Roll.to": {"next_working_day", "next_working_day_noon"},
	"Stage.anchor": anchorNames(), "Stage.or": anchorNames(), "Reading.anchor": anchorNames(), "Cap.anchor": anchorNames(), "Stage.which": {"first", "last", "each"},
	"Stage.every": {"month", "quarter"}, "Stage.meets": {"dispatched", "delivered", "acknowledged"}, "Power.act": Acts,
	"Addressees.roles": Roles, "Addressees.perhaps": Roles, "Stage.roles": Roles, "Stage.not": Roles, "Stage.by": Roles, "Rule.roles": Roles,
	"Recipient.role": Roles, "Power.by": Roles, "Power.against": Roles,
	"Consequences.state": {"none", "draft", "in_force"}, "Penalty.for": {"late", "missed"},
}

// required are the members that an entry can't do without, by struct.
var required = map[string][]string{
	"Recipient": {"name"}, "Reading": {"limit", "confidence"}, "Cap": {"limit", "anchor", "confidence"}, "Roll": {"to", "article", "confidence"},
	"Power": {"id", "act", "by", "article", "says", "form", "confidence"}, "Penalty": {"id", "for", "amount", "currency", "article"},
	"Rule": {"id"}, "Stage": {"id"}, "Example": {"name"}, "Owed": {"stage", "due", "state"}, "Confirmation": {"who", "on"}, "Consequences": {"state"},
}

func objectSchema(t reflect.Type) map[string]any {
	properties := map[string]any{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		properties[name] = typeSchema(f.Type, enums[t.Name()+"."+name])
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if r := required[t.Name()]; r != nil {
		s["required"] = r
	}
	return s
}

func typeSchema(t reflect.Type, words []string) map[string]any {
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem(), words)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem(), words)}
	case reflect.Map:
		if t.Elem().Kind() == reflect.Interface {
			return map[string]any{"type": "object"}
		}
		return map[string]any{"type": "object", "additionalProperties": typeSchema(t.Elem(), nil)}
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	}
	s := map[string]any{"type": "string"}
	if words != nil {
		s["enum"] = words
	}
	return s
}
