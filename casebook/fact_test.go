package casebook

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestParseFact(t *testing.T) {
	for _, c := range []struct {
		text string
		name string
		want Value
	}{
		{"controlled_addresses_unique_24h=1200000", "controlled_addresses_unique_24h", NumberValue(1200000)},
		{"users_offline = 1,200,000", "users_offline", NumberValue(1200000)},
		{"n=880000..1020000", "n", IntervalValue(Interval{880000, 880000, 1020000})},
		{"n=880000..900000..1020000", "n", IntervalValue(Interval{880000, 900000, 1020000})},
		{"ransom_demanded=yes", "ransom_demanded", YesNoValue(true)},
		{"ransom_demanded=False", "ransom_demanded", YesNoValue(false)},
		{"scope=national", "scope", WordValue("national")},
	} {
		name, got, err := ParseFact(c.text)
		if err != nil || name != c.name || got != c.want {
			t.Errorf("%s: got %s=%v, %v; want %s=%v", c.text, name, got, err, c.name, c.want)
		}
	}
	for _, bad := range []string{"", "=", "a", "a=", "=1", "a=1.5", "a=2..1", "a=1..2..3..4", "a=1x", "a=1..", "a=99999999999999999999"} {
		if _, v, err := ParseFact(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: got %v, %v; want it refused", bad, v, err)
		}
	}
}

func TestValueInJSON(t *testing.T) {
	for text, want := range map[string]Value{
		`1200000`: NumberValue(1200000), `1.2e6`: NumberValue(1200000), `true`: YesNoValue(true), `"national"`: WordValue("national"), `null`: {},
		`{"low":1,"point":2,"high":3}`: IntervalValue(Interval{1, 2, 3}),
	} {
		var got Value
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{`-1`, `1.5`, `[]`, `{}`, `{"low":3,"point":2,"high":3}`, `{"low":1,"point":2}`, `{"low":1,"point":2,"high":3,"more":4}`, `1e300`} {
		var got Value
		if err := json.Unmarshal([]byte(bad), &got); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, %v; want it refused", bad, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int64Range(0, 1<<40).Draw(t, "low")
		point := low + rapid.Int64Range(0, 1<<40).Draw(t, "more")
		want := IntervalValue(Interval{low, point, point + rapid.Int64Range(0, 1<<40).Draw(t, "doubt")})
		text, err := json.Marshal(want)
		var got Value
		if err := errors.Join(err, json.Unmarshal(text, &got)); err != nil || got != want {
			t.Errorf("%v became %s and %v (%v)", want, text, got, err)
		}
	})
}
