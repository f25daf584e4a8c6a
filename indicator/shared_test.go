package indicator_test

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedData finds the sample data that isn't part of the repository, or skips.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("TOCSIN_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	file := filepath.Join(root, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("shared data not found: %s", file)
	}
	return file
}
