package report

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"tocsin/casebook"
)

// stixObservable makes the observable of an asset and its id, which is made of its
// value (STIX 2.1, section 2.9: UUIDv5 over the canonical JSON of the properties that
// tell it), so that two who saw the same thing give it the same id.
func stixObservable(a casebook.Asset) (object any, id string, ok bool) {
	type observable struct {
		Type   string            `json:"type"`
		Spec   string            `json:"spec_version"`
		ID     string            `json:"id"`
		Value  string            `json:"value,omitempty"`
		Hashes map[string]string `json:"hashes,omitempty"`
	}
	o := observable{Type: a.Kind.String(), Spec: "2.1", Value: a.String()}
	switch a.Kind {
	case casebook.IPv4Addr, casebook.IPv6Addr, casebook.DomainName, casebook.URL, casebook.EmailAddr:
	case casebook.IPv4Prefix:
		o.Type = casebook.IPv4Addr.String()
	case casebook.IPv6Prefix:
		o.Type = casebook.IPv6Addr.String()
	case casebook.FileHash:
		o.Type, o.Value = "file", ""
		name, known := map[int]string{32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}[len(a.Name)]
		if !known {
			return nil, "", false
		}
		o.Hashes = map[string]string{name: a.Name}
	default:
		return nil, "", false
	}
	var tells any = map[string]string{"value": o.Value}
	if o.Hashes != nil {
		tells = map[string]any{"hashes": o.Hashes}
	}
	o.ID = o.Type + "--" + uuid5(canonicalJSON(tells))
	return o, o.ID, true
}

// canonicalJSON writes maps of texts as RFC 8785 has it: keys sorted, no blanks,
// nothing escaped that needn't be.
func canonicalJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("report: canonical JSON of %T: %v", v, err)) // maps of texts always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// uuid5 makes a UUIDv5 (RFC 9562, section 5.5) in STIX's namespace.
func uuid5(name string) string {
	space, _ := hex.DecodeString(strings.ReplaceAll(stixSpace, "-", ""))
	h := sha1.New()
	h.Write(space)
	h.Write([]byte(name))
	u := h.Sum(nil)[:16]
	u[6] = u[6]&0x0f | 5<<4
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
