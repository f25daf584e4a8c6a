package report

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ask is what one part of a stage's content asks for.
type ask struct {
	words    string   // the pack's own
	fields   []string // ids of those that answer it
	own      bool     // no field that we know: fields has one made of the words
	later    bool     // it may follow
	optional bool     // only where there is something to say
}

// mayFollow and whereThere are how packs say that something isn't due at once, or
// not always.
var (
	mayFollow  = []string{"may follow", "later allowed", "can follow", "可后补", "可补报"}
	whereThere = []string{"where available", "where applicable", "if available", "if any", "if known", "of ransomware", "如有", "如适用"}
)

// maxAsks bounds the parts that are read of one content.
const maxAsks = 200

// asks reads the content of a stage. Each line may list several things, divided by
// semicolons and commas; "may follow:" in front allows the whole line to come later.
func asks(content []string) []ask {
	var all []ask
	for _, line := range content {
		rest, later := cutFollow(line)
		for _, item := range split(rest, ";；") {
			optional := hasAny(strings.ToLower(item), whereThere)
			var said []ask
			for _, part := range split(item, ",，、") {
				a := askOf(part)
				a.later, a.optional = later, optional
				// A part that no field knows, behind one that does, goes on with it: "of
				// ransomware the amount, way and date".
				if a.own && len(said) > 0 && optional && !said[len(said)-1].own {
					continue
				}
				said = append(said, a)
			}
			all = append(all, said...)
		}
		if len(all) >= maxAsks {
			return all[:maxAsks]
		}
	}
	return all
}

func askOf(part string) ask {
	folded := " " + foldWords(part) + " "
	a := ask{words: part}
	for _, k := range kinds {
		if k.id == strings.TrimSpace(part) || mentions(folded, k.phrases) {
			a.fields = append(a.fields, k.id)
		}
	}
	if a.fields = narrow(a.fields, folded); len(a.fields) == 0 {
		a.fields, a.own = []string{ownID(part)}, true
	}
	return a
}

// narrow drops a field whose only word also belongs to a fuller phrase of another:
// "further measures" asks for proposals, not for what was done.
func narrow(ids []string, folded string) []string {
	drop := map[string]bool{}
	if strings.Contains(folded, " further measures ") {
		drop["measures"] = true
	}
	if strings.Contains(folded, " further harm ") {
		drop["harm"] = true
	}
	if strings.Contains(folded, " leads ") {
		drop["controllers"] = true
	}
	if hasAny(folded, []string{" ransom ", " ransomware ", " demand "}) {
		drop["occurred"] = true
	}
	if hasAny(folded, []string{" number of users "}) {
		drop["harm"] = true
	}
	if hasAny(folded, []string{" cross-border ", " cross border ", "跨境"}) {
		drop["harm"] = true
	}
	if hasAny(folded, []string{" root cause ", " kind of threat "}) {
		drop["name"] = true
	}
	var kept []string
	for _, id := range ids {
		if !drop[id] {
			kept = append(kept, id)
		}
	}
	return kept
}

// mentions looks for a phrase as whole words, or anywhere if it is written without
// blanks between words (Chinese).
func mentions(folded string, phrases []string) bool {
	for _, p := range phrases {
		if r, _ := utf8.DecodeRuneInString(p); r > unicode.MaxLatin1 && strings.Contains(folded, p) {
			return true
		}
		if strings.Contains(folded, " "+p+" ") {
			return true
		}
	}
	return false
}

// foldWords writes a text in small letters with one blank between words, without
// punctuation but hyphens.
func foldWords(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ")
}

// ownID makes the id of a field of its own words: the same words, the same id.
func ownID(words string) string {
	sum := sha256.Sum256([]byte(foldWords(words)))
	return "asked_" + hex.EncodeToString(sum[:5])
}

func cutFollow(line string) (rest string, later bool) {
	for _, mark := range mayFollow {
		if len(line) >= len(mark) && strings.EqualFold(line[:len(mark)], mark) {
			return strings.TrimLeft(line[len(mark):], " :："), true
		}
	}
	return line, false
}

// split cuts at any of the marks outside brackets and gives the parts that say
// something.
func split(s, marks string) []string {
	var parts []string
	depth, from := 0, 0
	take := func(to int) {
		if part := strings.TrimSpace(s[from:to]); part != "" {
			parts = append(parts, part)
		}
	}
	for i, r := range s {
		switch {
		case r == '(' || r == '（':
			depth++
		case (r == ')' || r == '）') && depth > 0:
			depth--
		case depth == 0 && strings.ContainsRune(marks, r):
			take(i)
			from = i + utf8.RuneLen(r)
		}
	}
	take(len(s))
	return parts
}

func hasAny(s string, of []string) bool {
	for _, w := range of {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
