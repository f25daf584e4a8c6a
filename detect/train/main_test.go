//go:build !race

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestReproducible makes the model again from the list that it names, and wants the
// same octets as are shipped.
func TestReproducible(t *testing.T) {
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	text, err := os.ReadFile(filepath.Join(root, "traffic", "misp-warninglists", "cloudflare-top100k.json"))
	if err != nil {
		t.Skipf("shared data not found: %v", err)
	}
	shipped, err := os.ReadFile("../dga.model")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ List []string }
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	names := labels(list.List)
	if m := train(names, sourceOf(names, text)).Bytes(); string(m) != string(shipped) {
		t.Errorf("%d octets, which differ from the %d that are shipped: was detect/train run after its last change?", len(m), len(shipped))
	}
}
