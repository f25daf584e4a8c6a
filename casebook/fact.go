package casebook

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Facts are the figures of an incident by name, as the register of facts in
// regime has them ("controlled_addresses_unique_24h"). A fact that is absent is
// unknown, never 0 and never false.
type Facts map[string]Value

// ValueKind tells what a Value is.
type ValueKind uint8

// The kinds of values. The zero kind is no value: unknown.
const (
	Unknown ValueKind = iota
	Number
	YesNo
	Word
)

// Value is one fact: a number with its doubt, a yes or no, or a word. The zero
// value is unknown. Values are comparable.
type Value struct {
	Kind   ValueKind
	Number Interval // of Number; a figure without doubt has all three alike
	Yes    bool     // of YesNo
	Word   string   // of Word
}

// NumberValue makes the value of a figure without doubt.
func NumberValue(n int64) Value { return Value{Kind: Number, Number: Interval{n, n, n}} }

// IntervalValue makes the value of a figure with its doubt.
func IntervalValue(i Interval) Value { return Value{Kind: Number, Number: i} }

// YesNoValue makes the value of a yes or no.
func YesNoValue(yes bool) Value { return Value{Kind: YesNo, Yes: yes} }

// WordValue makes the value of a word; "" is unknown.
func WordValue(word string) Value {
	if word == "" {
		return Value{}
	}
	return Value{Kind: Word, Word: word}
}

// String writes the value as people do: 1200000, 900000 (880000 to 1020000),
// yes, no, or the word.
func (v Value) String() string {
	switch v.Kind {
	case Number:
		n := v.Number
		point := strconv.FormatInt(n.Point, 10)
		if n.Low == n.Point && n.High == n.Point {
			return point
		}
		return fmt.Sprintf("%s (%d to %d)", point, n.Low, n.High)
	case YesNo:
		if v.Yes {
			return "yes"
		}
		return "no"
	case Word:
		return v.Word
	}
	return "unknown"
}

// MarshalJSON writes a number, an object with low, point and high where there is
// doubt, true or false, a string; null is unknown.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.Kind {
	case Number:
		if v.Number.Low == v.Number.Point && v.Number.High == v.Number.Point {
			return strconv.AppendInt(nil, v.Number.Point, 10), nil
		}
		return json.Marshal(v.Number)
	case YesNo:
		return strconv.AppendBool(nil, v.Yes), nil
	case Word:
		return json.Marshal(v.Word)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON writes. It gives ErrInvalid for a number
// that is not whole, for one below zero, and for an interval out of order.
func (v *Value) UnmarshalJSON(text []byte) error {
	var held any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&held); err != nil {
		return fmt.Errorf("fact: %w: %w", err, ErrInvalid)
	}
	switch a := held.(type) {
	case nil:
		*v = Value{}
	case bool:
		*v = YesNoValue(a)
	case string:
		*v = WordValue(a)
	case json.Number:
		n, err := wholeNumber(a)
		if err != nil {
			return err
		}
		*v = NumberValue(n)
	case map[string]any:
		var i struct{ Low, Point, High *json.Number }
		strict := json.NewDecoder(strings.NewReader(string(text)))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&i); err != nil || i.Low == nil || i.Point == nil || i.High == nil {
			return fmt.Errorf("fact %.80s: an interval has low, point and high, each a whole number: %w", text, ErrInvalid)
		}
		var n Interval
		for _, end := range []struct {
			into *int64
			from json.Number
		}{{&n.Low, *i.Low}, {&n.Point, *i.Point}, {&n.High, *i.High}} {
			var err error
			if *end.into, err = wholeNumber(end.from); err != nil {
				return err
			}
		}
		if n.Low > n.Point || n.Point > n.High {
			return fmt.Errorf("fact %.80s: low, point and high must rise: %w", text, ErrInvalid)
		}
		*v = IntervalValue(n)
	default:
		return fmt.Errorf("fact %.80s is neither number, interval, yes or no, nor word: %w", text, ErrInvalid)
	}
	return nil
}

// wholeNumber reads a whole number from 0 on, also one written as 1e6 or 1.0.
func wholeNumber(text json.Number) (int64, error) {
	if n, err := strconv.ParseInt(text.String(), 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	f, err := text.Float64()
	if err != nil || f < 0 || f != math.Trunc(f) || f > 1<<53 {
		return 0, fmt.Errorf("fact %.40s: a figure is a whole number from 0 on: %w", text, ErrInvalid)
	}
	return int64(f), nil
}

// ParseFact reads "name=value" as people write it on a command line: a whole
// number with or without commas, low..high or low..point..high, yes or no, a
// word. It gives ErrInvalid for anything without a name or a value.
func ParseFact(text string) (name string, v Value, err error) {
	name, value, ok := strings.Cut(text, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || name == "" || value == "" {
		return "", Value{}, fmt.Errorf("%.80q is no fact: write name=value, as controlled_addresses_unique_24h=1200000: %w", text, ErrInvalid)
	}
	if strings.EqualFold(value, "yes") || strings.EqualFold(value, "true") {
		return name, YesNoValue(true), nil
	}
	if strings.EqualFold(value, "no") || strings.EqualFold(value, "false") {
		return name, YesNoValue(false), nil
	}
	if value[0] < '0' || value[0] > '9' {
		return name, WordValue(value), nil
	}
	var ends []int64
	for part := range strings.SplitSeq(strings.ReplaceAll(value, ",", ""), "..") {
		n, err := wholeNumber(json.Number(strings.TrimSpace(part)))
		if err != nil {
			return "", Value{}, fmt.Errorf("%s: %w", name, err)
		}
		ends = append(ends, n)
	}
	if !slices.IsSorted(ends) || len(ends) > 3 {
		return "", Value{}, fmt.Errorf("%s: %.80q is no figure: write 900000, 880000..1020000 or 880000..900000..1020000: %w", name, value, ErrInvalid)
	}
	switch len(ends) {
	case 1:
		return name, NumberValue(ends[0]), nil
	case 2:
		// Without a best guess the lower end is all that is sure.
		return name, IntervalValue(Interval{ends[0], ends[0], ends[1]}), nil
	}
	return name, IntervalValue(Interval{ends[0], ends[1], ends[2]}), nil
}

// Names gives the names of the facts, sorted.
func (f Facts) Names() []string { return slices.Sorted(maps.Keys(f)) }
