package indicator

import (
	"strings"

	"github.com/valyala/fastjson"
)

// stix reads the indicators of a STIX 2.1 bundle, and the malware that its
// relationships say they indicate.
func (r *reading) stix(objects []*fastjson.Value) error {
	names, indicated := map[string]string{}, map[string]string{}
	for _, o := range objects {
		text := func(key string) string { return string(o.GetStringBytes(key)) }
		switch {
		case text("type") == "malware":
			names[text("id")] = text("name")
		case text("type") == "relationship" && text("relationship_type") == "indicates":
			indicated[text("source_ref")] = text("target_ref")
		}
	}
	for i, o := range objects {
		if string(o.GetStringBytes("type")) != "indicator" {
			continue
		}
		if err := r.stixIndicator(int64(i+1), o, names[indicated[string(o.GetStringBytes("id"))]]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) stixIndicator(line int64, o *fastjson.Value, family string) error {
	r.row.reset(r.source)
	r.row.set(columnFirst, string(o.GetStringBytes("valid_from")))
	r.row.set(columnExpires, string(o.GetStringBytes("valid_until")))
	if v := o.Get("confidence"); v != nil {
		r.row.set(columnConfidence, v.String())
	}
	r.row.claim.Family = familyOf(family)
	pattern := string(o.GetStringBytes("pattern"))
	if kind := string(o.GetStringBytes("pattern_type")); kind != "" && kind != "stix" {
		r.refuse(line, pattern, fault("a pattern in the language "+kind+" isn't read"))
		return nil
	}
	if o.GetBool("revoked") {
		r.refuse(line, pattern, fault("revoked by its source"))
		return nil
	}
	values, err := stixPattern(&r.parser, pattern)
	if err != nil {
		r.refuse(line, pattern, err)
		return nil
	}
	if r.row.claim.Family != "" {
		r.row.claim.Class = Malware
	}
	for _, v := range values {
		if err := r.take(Indicator{v, r.row.claim}); err != nil && !isFault(err) {
			return err
		} else if err != nil {
			r.refuse(line, pattern, err)
		}
	}
	return nil
}

const errStix = fault("a STIX pattern that says more than equality with addresses, names, URLs and hashes")

// stixPattern reads the patterns that most indicators are (STIX 2.1, section 9): one
// observation of comparisons by =, each joined by OR, or an address and a port by
// AND. What asks for more, or for two things at once, is refused: half of a
// condition would accuse the wrong ones.
func stixPattern(p *parser, pattern string) ([]Value, error) {
	s := strings.TrimSpace(pattern)
	if !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
		return nil, errStix
	}
	s = s[1 : len(s)-1]
	var values []Value
	for s != "" {
		group, rest, err := stixGroup(s)
		if err != nil {
			return nil, err
		}
		v, err := stixValue(p, group)
		if err != nil {
			return nil, err
		}
		values, s = append(values, v), rest
	}
	if len(values) == 0 {
		return nil, errStix
	}
	return values, nil
}

// comparison is path = 'text' of a pattern.
type comparison struct{ path, text string }

// stixGroup takes the comparisons up to an OR.
func stixGroup(s string) (group []comparison, rest string, err error) {
	for {
		var c comparison
		if c, s, err = stixComparison(s); err != nil {
			return nil, "", err
		}
		group = append(group, c)
		s = strings.TrimSpace(s)
		word, after, _ := strings.Cut(s, " ")
		switch word {
		case "":
			return group, "", nil
		case "OR":
			return group, after, nil
		case "AND":
			s = after
		default:
			return nil, "", errStix
		}
	}
}

func stixComparison(s string) (c comparison, rest string, err error) {
	path, s, found := strings.Cut(s, "=")
	path = strings.TrimSpace(path)
	if !found || path == "" || strings.ContainsAny(path, " !<>(") {
		return c, "", errStix
	}
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "'") {
		text, rest, found := strings.Cut(s[1:], "'")
		if !found || strings.Contains(text, `\`) {
			return c, "", errStix
		}
		return comparison{path, text}, rest, nil
	}
	end := strings.IndexByte(s, ' ')
	if end < 0 {
		end = len(s)
	}
	return comparison{path, s[:end]}, s[end:], nil
}

// stixValue turns one condition into a value.
func stixValue(p *parser, group []comparison) (Value, error) {
	var v Value
	port := ""
	for _, c := range group {
		object, property, _ := strings.Cut(c.path, ":")
		switch {
		case object == "network-traffic" && property == "dst_port":
			port = c.text
			continue
		case object == "network-traffic" && (property == "dst_ref.value" || property == "dst_ref.type" || property == "protocols[*]" || property == "protocols[0]"):
			if property != "dst_ref.value" {
				continue
			}
		case object == "ipv4-addr" && property == "value", object == "ipv6-addr" && property == "value",
			object == "domain-name" && property == "value", object == "url" && property == "value",
			object == "file" && strings.HasPrefix(property, "hashes."), object == "x509-certificate" && strings.HasPrefix(property, "hashes."):
		default:
			return Value{}, errStix
		}
		if v.Kind != NoKind {
			return Value{}, errStix
		}
		var err error
		if v, err = p.parse([]byte(c.text)); err != nil {
			return Value{}, err
		}
		if object == "x509-certificate" && v.Kind == File {
			v.Kind = Certificate
		}
	}
	if v.Kind == NoKind || port != "" && v.Kind != Address {
		return Value{}, errStix
	}
	if port != "" {
		n, ok := number([]byte(port), 65535)
		if !ok || n == 0 {
			return Value{}, errPort
		}
		v.Kind, v.Port = Endpoint, uint16(n)
	}
	return v, nil
}
