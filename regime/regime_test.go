package regime

import "testing"

// TestBuiltin verifies the packs that are part of the program, and runs their
// examples.
func TestBuiltin(t *testing.T) {
	l, faults := Check(nil)
	for _, f := range faults {
		t.Error(f)
	}
	if got, want := len(l.Packs()), len(Builtin().Packs()); got != want {
		t.Errorf("%d packs with their examples run, %d without", got, want)
	}
}
