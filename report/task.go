package report

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/casebook"
)

// maxSequence is the highest number of a task in a year.
const maxSequence = 999_999_999

// TaskNumber names a task: CN-11-2026-000123-NN is the 123rd of the year 2026 by the
// authority of CN-11. The two last digits make slips of the tongue, the pen and the telephone
// show.
type TaskNumber struct {
	Region   string // of the authority, ISO 3166-1 or 3166-2: "CN", "CN-11"
	Year     int    // 2000 to 2999
	Sequence int64  // 1 to 999,999,999
}

// NewTaskNumber makes the number of a task. It gives ErrInvalid for a region that
// isn't one, a year or a sequence out of bounds.
func NewTaskNumber(region string, year int, sequence int64) (TaskNumber, error) {
	t := TaskNumber{strings.ToUpper(region), year, sequence}
	switch {
	case !regionCode(t.Region):
		return TaskNumber{}, fmt.Errorf("task number: region %.20q is no code like CN or CN-11: %w", region, casebook.ErrInvalid)
	case year < 2000 || year > 2999:
		return TaskNumber{}, fmt.Errorf("task number: year %d is not from 2000 to 2999: %w", year, casebook.ErrInvalid)
	case sequence < 1 || sequence > maxSequence:
		return TaskNumber{}, fmt.Errorf("task number: %d is not from 1 to %d: %w", sequence, maxSequence, casebook.ErrInvalid)
	}
	return t, nil
}

// regionCode reports whether a code has two letters, and behind a hyphen one to
// three letters or digits if it goes on (ISO 3166-2).
func regionCode(s string) bool {
	country, part, parts := strings.Cut(s, "-")
	return len(country) == 2 && strings.Trim(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" &&
		(!parts || len(part) >= 1 && len(part) <= 3 && strings.Trim(part, alphabet) == "")
}

// String writes the number with its check digits; "" for the zero value.
func (t TaskNumber) String() string {
	if t == (TaskNumber{}) {
		return ""
	}
	body := fmt.Sprintf("%s-%d-%06d", t.Region, t.Year, t.Sequence)
	return body + "-" + checkDigits(body)
}

// ParseTaskNumber reads what String writes, in small letters and with blanks or
// longer dashes for hyphens too, as people copy it. It gives ErrInvalid for anything
// else, and says so where only the last digits don't fit.
func ParseTaskNumber(s string) (TaskNumber, error) {
	bad := func(why string) (TaskNumber, error) {
		return TaskNumber{}, fmt.Errorf("%.60q is no task number like CN-11-2026-000123-%s: %s: %w", s, checkDigits("CN-11-2026-000123"), why, casebook.ErrInvalid)
	}
	folded := strings.ToUpper(strings.TrimSpace(s))
	for _, dash := range []string{"–", "—", "－", "‐", "‑", " "} {
		folded = strings.ReplaceAll(folded, dash, "-")
	}
	parts := strings.Split(folded, "-")
	if len(parts) < 4 || len(parts) > 5 || len(folded) > 40 {
		return bad("it has region, year, number and two last digits")
	}
	last := len(parts) - 1
	year, err1 := strconv.Atoi(parts[last-2])
	sequence, err2 := strconv.ParseInt(parts[last-1], 10, 64)
	if err1 != nil || err2 != nil {
		return bad("year and number are written in digits")
	}
	t, err := NewTaskNumber(strings.Join(parts[:last-2], "-"), year, sequence)
	if err != nil {
		return bad("region, year or number is out of bounds")
	}
	if want := t.String(); want != folded {
		if len(want) == len(folded) && want[:len(want)-2] == folded[:len(folded)-2] {
			return bad("the last two digits don't fit: something was misread, or two characters changed places")
		}
		return bad("the number has at least six digits, no more zeros in front")
	}
	return t, nil
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// checkDigits are the two digits of ISO/IEC 7064, MOD 97-10, over letters and digits,
// a letter standing for 10 to 35; hyphens don't count. They show each wrong digit, each
// wrong letter and each exchange of two neighbours. They are digits, so that they are
// read out on the telephone without being mistaken.
func checkDigits(body string) string {
	rest := 0
	for _, c := range []byte(body + "00") {
		n := strings.IndexByte(alphabet, c)
		switch {
		case n < 0:
		case n < 10:
			rest = (rest*10 + n) % 97
		default:
			rest = (rest*100 + n) % 97
		}
	}
	return fmt.Sprintf("%02d", 98-rest)
}
