package regime

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchema holds our packs, an overlay and broken packs against the schema that
// is published.
func TestSchema(t *testing.T) {
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pack.json", text); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pack.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(pack []byte) error {
		var tree any
		if err := yaml.Unmarshal(pack, &tree); err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(value)
	}
	names, err := fs.Glob(builtinFiles, "pack/*.yaml")
	if err != nil || len(names) < 28 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		pack, err := builtinFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(pack); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, sound := range []string{province, confirmedThreshold} {
		if err := check([]byte(sound)); err != nil {
			t.Error(err)
		}
	}
	for old, now := range map[string]string{
		"who:": "whom:", "anchor: detection": "anchor: discovery", "confidence: text\nsources": "confidence: sure\nsources", "roles: [hosting]": "roles: [hoster]",
		"zone: Asia/Shanghai": "zone: 8", "jurisdiction: CN\n": "", "limit: 6h, confidence: text": "limit: 6h",
	} {
		broken := strings.Replace(province, old, now, 1)
		if broken == province {
			t.Fatalf("nothing was changed by %q", old)
		}
		if check([]byte(broken)) == nil {
			t.Errorf("%q instead of %q is taken", now, old)
		}
	}
}
