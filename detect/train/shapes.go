package main

import (
	"math/rand/v2"
	"strings"
)

// suffixes are what the generators register under: what is cheap, and dynamic DNS.
var suffixes = strings.Fields(`com net org info biz ru cn cc ws tk xyz top pw su eu in me co.uk us name mobi tv online site club
	de fr it pl ua kz nl ch jp com.br com.tr co.in la im sx ga cf gq ml space website win bid ddns.net dyndns.org duckdns.org no-ip.org
	dynserv.com mooo.com bit.com work live news link pro asia ir tw kr sc to am ly md`)

// family is one made-up program with habits of its own.
type family struct {
	suffixes []string
	label    func(r *rand.Rand) string
}

func (f family) name(r *rand.Rand) (label, suffix string) {
	return f.label(r), f.suffixes[r.IntN(len(f.suffixes))]
}

// shapes are the ways in which programs make names, from what has been published of
// their kinds: what differs from program to program is drawn anew for each family.
var shapes = []func(r *rand.Rand, words []string) func(r *rand.Rand) string{
	letters, alphanumeric, hexadecimal, chain, alternating, syllables, wordy, wordy, mutated, affixed, wordAndNoise, dated,
}

// newFamily draws a family of a shape.
func newFamily(r *rand.Rand, shape int, words []string) family {
	f := family{label: shapes[shape](r, words)}
	n := [...]int{1, 1, 1, 2, 2, 3, 4, 5, 6, 8}[r.IntN(10)]
	for range n {
		switch r.IntN(10) { // com is the most usual, and then the generic ones
		case 0, 1, 2, 3:
			f.suffixes = append(f.suffixes, "com")
		case 4, 5, 6:
			f.suffixes = append(f.suffixes, suffixes[r.IntN(9)])
		default:
			f.suffixes = append(f.suffixes, suffixes[r.IntN(len(suffixes))])
		}
	}
	return f
}

// lengths draws a habit of lengths: one, or a range.
func lengths(r *rand.Rand, low, high int) func(r *rand.Rand) int {
	from := low + r.IntN(high-low+1)
	if r.IntN(2) == 0 {
		return func(*rand.Rand) int { return from }
	}
	to := from + 1 + r.IntN(10)
	return func(r *rand.Rand) int { return from + r.IntN(to-from+1) }
}

const alphabet = "abcdefghijklmnopqrstuvwxyz"

// subset draws some letters.
func subset(r *rand.Rand, from string, least int) string {
	b := []byte(from)
	r.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	return string(b[:least+r.IntN(len(b)-least+1)])
}

func uniform(letters string, length func(*rand.Rand) int) func(*rand.Rand) string {
	return func(r *rand.Rand) string {
		b := make([]byte, length(r))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
}

func letters(r *rand.Rand, _ []string) func(*rand.Rand) string {
	from := alphabet
	if r.IntN(3) == 0 {
		from = subset(r, alphabet, 10)
	}
	return uniform(from, lengths(r, 6, 24))
}

func alphanumeric(r *rand.Rand, _ []string) func(*rand.Rand) string {
	from := alphabet + "0123456789"
	if r.IntN(2) == 0 {
		from = subset(r, from, 14)
	}
	return uniform(from, lengths(r, 8, 28))
}

func hexadecimal(r *rand.Rand, _ []string) func(*rand.Rand) string {
	return uniform("0123456789abcdef", lengths(r, 8, 32))
}

// chain draws letters each from a few that may follow the one before.
func chain(r *rand.Rand, _ []string) func(*rand.Rand) string {
	var next [26]string
	for i := range next {
		next[i] = subset(r, alphabet, 2)
		if len(next[i]) > 9 {
			next[i] = next[i][:9]
		}
	}
	length := lengths(r, 8, 20)
	return func(r *rand.Rand) string {
		b := []byte{alphabet[r.IntN(26)]}
		for n := length(r); len(b) < n; {
			from := next[b[len(b)-1]-'a']
			b = append(b, from[r.IntN(len(from))])
		}
		return string(b)
	}
}

const (
	vowels     = "aeiou"
	consonants = "bcdfghjklmnpqrstvwxz"
)

// alternating draws consonants and vowels by turns, with now and then two of a kind.
func alternating(r *rand.Rand, _ []string) func(*rand.Rand) string {
	v, c := subset(r, vowels, 3), subset(r, consonants, 8)
	if r.IntN(2) == 0 {
		v += "y"
	}
	slip := [...]int{0, 0, 4, 8}[r.IntN(4)]
	length := lengths(r, 6, 14)
	return func(r *rand.Rand) string {
		b := make([]byte, 0, 24)
		turn := r.IntN(2)
		for n := length(r); len(b) < n; {
			from := [...]string{v, c}[turn]
			b = append(b, from[r.IntN(len(from))])
			if slip == 0 || r.IntN(slip) > 0 {
				turn = 1 - turn
			}
		}
		return string(b)
	}
}

// syllables joins pieces of two to four letters out of a short list.
func syllables(r *rand.Rand, _ []string) func(*rand.Rand) string {
	var list []string
	for range 12 + r.IntN(60) {
		s := string(consonants[r.IntN(20)]) + string(vowels[r.IntN(5)])
		if r.IntN(2) == 0 {
			s += string(consonants[r.IntN(20)])
		}
		if r.IntN(4) == 0 {
			s += string(vowels[r.IntN(5)])
		}
		list = append(list, s)
	}
	n := 2 + r.IntN(4)
	return func(r *rand.Rand) string {
		var b strings.Builder
		for range n + r.IntN(2) {
			b.WriteString(list[r.IntN(len(list))])
		}
		return b.String()
	}
}

// someWords draws a program's dictionary.
func someWords(r *rand.Rand, words []string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = words[r.IntN(len(words))]
	}
	return list
}

// wordy joins words of a dictionary of its own.
func wordy(r *rand.Rand, words []string) func(*rand.Rand) string {
	size := [...]int{60, 100, 200, 400, 800, 1500}[r.IntN(6)]
	first, second := someWords(r, words, size), someWords(r, words, size)
	if r.IntN(2) == 0 {
		second = first
	}
	n := [...]int{2, 2, 2, 3, 3, 4, 5}[r.IntN(7)]
	between := ""
	if r.IntN(6) == 0 {
		between = "-"
	}
	least, cut := 0, 0
	if r.IntN(3) == 0 {
		least = 12 + r.IntN(10) // words until it is long enough
	}
	if r.IntN(4) == 0 {
		cut = 16 + r.IntN(10)
	}
	return func(r *rand.Rand) string {
		s := first[r.IntN(len(first))]
		for i := 1; i < n || len(s) < least; i++ {
			s += between + second[r.IntN(len(second))]
		}
		if cut > 0 && len(s) > cut {
			s = s[:cut]
		}
		return s[:min(len(s), 40)]
	}
}

// mutated changes a few places of one seed word.
func mutated(r *rand.Rand, words []string) func(*rand.Rand) string {
	seed := []byte(words[r.IntN(len(words))] + words[r.IntN(len(words))] + words[r.IntN(len(words))])
	if r.IntN(3) == 0 {
		seed = []byte(uniform(alphabet, lengths(r, 10, 18))(r))
	}
	from, n := r.IntN(max(1, len(seed)-6)), 3+r.IntN(3)
	if r.IntN(2) == 0 {
		from = 0
	}
	return func(r *rand.Rand) string {
		b := append([]byte{}, seed...)
		for i := from; i < min(from+n, len(b)); i++ {
			b[i] = alphabet[r.IntN(26)]
		}
		return string(b[:min(len(b), 40)])
	}
}

// affixed puts a beginning and an end of short lists around a middle.
func affixed(r *rand.Rand, words []string) func(*rand.Rand) string {
	begin := strings.Fields("un in dis re over under mis non inter super trans sub semi anti pre pro de ex micro macro mega multi mono")
	end := strings.Fields("able ing ed er ness ity tion ism ful less ment ist ish ly ance ence ous al ic ive ary ium oid")
	middle := someWords(r, words, 20+r.IntN(300))
	both := r.IntN(3) > 0
	return func(r *rand.Rand) string {
		s := begin[r.IntN(len(begin))] + middle[r.IntN(len(middle))] + end[r.IntN(len(end))]
		if both && r.IntN(2) == 0 {
			s = begin[r.IntN(len(begin))] + s
		}
		return s[:min(len(s), 40)]
	}
}

// wordAndNoise puts letters or digits behind a fixed word, or in front of it.
func wordAndNoise(r *rand.Rand, words []string) func(*rand.Rand) string {
	fixed := someWords(r, words, 1+r.IntN(6))
	from := [...]string{alphabet, alphabet + "0123456789", "0123456789", "0123456789abcdef"}[r.IntN(4)]
	noise := uniform(from, lengths(r, 4, 12))
	front := r.IntN(3) == 0
	return func(r *rand.Rand) string {
		w, n := fixed[r.IntN(len(fixed))], noise(r)
		if front {
			return n + w
		}
		return w + n
	}
}

// dated repeats letters drawn for the day with a counter's letters among them.
func dated(r *rand.Rand, _ []string) func(*rand.Rand) string {
	stem := uniform(alphabet, lengths(r, 4, 10))(r)
	tail := uniform([...]string{alphabet, "0123456789", "abcdef0123456789"}[r.IntN(3)], lengths(r, 2, 6))
	at := r.IntN(len(stem) + 1)
	return func(r *rand.Rand) string { return stem[:at] + tail(r) + stem[at:] }
}
