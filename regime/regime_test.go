package regime

import "testing"

func TestBuiltin(t *testing.T) {
	l, faults := load(nil)
	for _, f := range faults {
		t.Error(f)
	}
	for _, id := range []string{"cn-miit-2009-156", "cn-cac-2025", "cn-miit-2017-202"} {
		if _, err := l.Find(id); err != nil {
			t.Error(err)
		}
	}
}
