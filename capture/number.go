package capture

import (
	"math"
	"strconv"

	"tocsin/traffic"
)

// maxMoment is the last moment that a record may be of, in µs: the year 2199.
const maxMoment = 7_258_118_400_000_000

// parseUint reads decimal digits, at most 19 of them.
func parseUint(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return int64(n), n <= 1<<63-1
}

// parseCount reads a count; what isn't one is unknown.
func parseCount(b []byte) int64 {
	if n, ok := parseUint(b); ok {
		return n
	}
	// Some writers give whole counts as decimals ("12.0").
	if n, ok := parseMicros(b); ok && n >= 0 {
		return n / 1e6
	}
	return traffic.Unknown
}

func parsePort(b []byte) (uint16, bool) {
	if len(b) == 0 || len(b) > 5 {
		return 0, false
	}
	var n uint32
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint32(d)
	}
	return uint16(n), n <= 65535
}

// parseMicros reads seconds, with a fraction or an exponent or without, as µs cut
// below. Bounds are ± 2^53 seconds.
func parseMicros(b []byte) (int64, bool) {
	i, negative := 0, false
	if len(b) > 0 && b[0] == '-' {
		i, negative = 1, true
	}
	var whole int64
	first := i
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if i-first >= 12 {
			return 0, false
		}
		whole = whole*10 + int64(b[i]-'0')
	}
	digits := i - first
	micros := whole * 1e6
	if i < len(b) && b[i] == '.' {
		unit := int64(100_000)
		for i++; i < len(b) && b[i]-'0' <= 9; i++ {
			micros += int64(b[i]-'0') * unit
			unit /= 10
			digits++
		}
	}
	if digits == 0 {
		return 0, false
	}
	if i < len(b) {
		return parseExponent(b)
	}
	if negative {
		micros = -micros
	}
	return micros, true
}

// parseExponent reads the rarer notations of seconds: 1.5e-05, 1.496e9.
func parseExponent(b []byte) (int64, bool) {
	if len(b) > 40 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != f || f < -9e9 || f > 9e9 {
		return 0, false
	}
	return int64(math.Floor(f*1e6 + 0.5)), true
}
