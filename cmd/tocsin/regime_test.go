package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// lawShapes makes the regime commands print an object of each kind.
func lawShapes(t *testing.T, dir string) string {
	t.Helper()
	write(t, filepath.Join(dir, "incident.json"), `{"party":{"roles":["network_operator"],"region":"CN-11"},"grades":{"cn-cac-2025":"serious"},"events":{"awareness":"2026-02-16T22:30:00+08:00"}}`)
	out := must(t, dir, "regime", "due", "incident.json").out
	for _, args := range []string{"list", "show", "show cn-cac-2025", "power order --by authority --against registrar --at 2026-01-01T00:00:00Z"} {
		out += must(t, dir, append(append([]string{"regime"}, strings.Fields(args)...), "--format", "json")...).out
	}
	return out
}
