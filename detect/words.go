package detect

import (
	"math"
	"strconv"
	"strings"
)

// count writes a whole number with commas, as people read it.
func count[T int | int64 | uint32 | uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// number writes a figure with about three digits that mean something.
func number(x float64) string {
	switch a := math.Abs(x); {
	case a >= 1000:
		return count(int64(math.Round(x)))
	case a >= 100:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(x, 'f', 2, 64), "0"), ".")
}

// lasting writes seconds in the unit that suits them.
func lasting(s float64) string {
	switch {
	case s >= 48*3600:
		return number(s/86400) + " d"
	case s >= 2*3600:
		return number(s/3600) + " h"
	case s >= 120:
		return number(s/60) + " min"
	}
	return number(s) + " s"
}

// size writes octets in the unit that suits them.
func size(b float64) string {
	switch {
	case b >= 10e9:
		return number(b/1e9) + " GB"
	case b >= 1e6:
		return number(b/1e6) + " MB"
	case b >= 10e3:
		return number(b/1e3) + " kB"
	}
	return number(b) + " bytes"
}

// plural writes a count with its noun.
func plural[T int | int64 | uint32 | uint64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// round3 keeps three decimals, so that figures print short and alike everywhere.
func round3(x float64) float64 { return math.Round(x*1000) / 1000 }

// clamp bounds a score.
func clamp(x float64) float64 { return min(1, max(0, x)) }

// and joins reasons as a sentence does.
func and(parts []string) string {
	switch len(parts) {
	case 0:
		return ""
	case 1:
		return parts[0]
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
