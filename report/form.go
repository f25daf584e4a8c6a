package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/casebook"
)

// Bounds of a form that a person or a program fills in.
const (
	MaxFields = 200
	MaxValue  = 64 << 10 // octets of one value
)

// Addressee is one who must have a filing.
type Addressee struct {
	Role string `json:"role,omitempty"` // in the vocabulary of the packs
	Name string `json:"name"`
	Copy bool   `json:"copy,omitempty"`
}

// Form is a filing as it is drafted and as it is rendered: a head, fields, rows.
type Form struct {
	Report   casebook.ID // zero for one that isn't kept yet
	Version  int         // 0 a draft
	Corrects int         // number of the version that it corrects, 0 none
	Incident casebook.ID
	Party    string // who reports
	Regime   string
	Stage    string
	Says     string // name of the stage, in the pack's words
	Article  string
	Pack     string    // digest of the pack
	Anchor   string    // what started the clock
	Started  time.Time // zero without a duty
	Due      time.Time
	Zone     string // in which moments are shown to people
	Task     string // number of the task that it answers, "" none
	Late     string // why it comes after its moment, "" in time
	TLP      casebook.TLP
	Exercise bool
	At       time.Time // of the draft or the filing
	To       []Addressee
	Fields   []Field
	Rows     []Row
}

// Field gives the field of this id, or nil.
func (f *Form) Field(id string) *Field {
	for i := range f.Fields {
		if f.Fields[i].ID == id {
			return &f.Fields[i]
		}
	}
	return nil
}

// Value gives what a field says, "" where there is no such field.
func (f Form) Value(id string) string {
	if field := f.Field(id); field != nil {
		return field.Value
	}
	return ""
}

// Frozen gives the fields that say something, as a version of the report keeps them.
func (f Form) Frozen() []casebook.FormField {
	kept := []casebook.FormField{}
	for _, field := range f.Fields {
		if !field.Empty() {
			kept = append(kept, field.frozen())
		}
	}
	return kept
}

// With gives the form with values put over its own: a person's over the draft, or
// those of a kept version. A field that the form doesn't have is put at its end
// under its id. It gives ErrInvalid for an id that isn't one and for one given
// twice, ErrTooLarge above MaxFields and MaxValue.
func (f Form) With(values []casebook.FormField) (Form, error) {
	f.Fields = slices.Clone(f.Fields)
	given := map[string]bool{}
	for _, v := range values {
		switch {
		case !fieldID(v.ID):
			return Form{}, fmt.Errorf("field %.60q: an id has 1 to 60 small letters, digits and underscores: %w", v.ID, casebook.ErrInvalid)
		case given[v.ID]:
			return Form{}, fmt.Errorf("field %s is given twice: %w", v.ID, casebook.ErrInvalid)
		case len(v.Value) > MaxValue:
			return Form{}, fmt.Errorf("field %s has %d octets, at most %d are taken: %w", v.ID, len(v.Value), MaxValue, casebook.ErrTooLarge)
		}
		given[v.ID] = true
		field := f.Field(v.ID)
		if field == nil {
			if len(f.Fields) >= MaxFields {
				return Form{}, fmt.Errorf("form: over %d fields: %w", MaxFields, casebook.ErrTooLarge)
			}
			k, known := kindByID(v.ID)
			if !known {
				k = kindOf{id: v.ID, label: Words{EN: human(v.ID)}}
			}
			f.Fields = append(f.Fields, Field{ID: v.ID, Label: k.label})
			field = &f.Fields[len(f.Fields)-1]
		}
		field.Value, field.From, field.Secret = strings.ToValidUTF8(v.Value, "\uFFFD"), v.From, v.Secret
	}
	return f, nil
}

// Under gives the form as a draft goes on: what people wrote is put over what is known
// now, and what was filled from the record at an earlier moment gives way to it. A mark
// as a trade secret stays with its field, whoever filled that. The errors are With's.
func (f Form) Under(written []casebook.FormField) (Form, error) {
	drafted := f
	written = slices.Clone(written)
	for i := range written {
		if field := f.Field(written[i].ID); field != nil && !written[i].ByPerson() && !field.Empty() {
			written[i].Value, written[i].From = field.Value, field.From
		}
	}
	f, err := f.With(written)
	if err != nil {
		return Form{}, err
	}
	for i := range f.Fields {
		field := &f.Fields[i]
		if known := drafted.Field(field.ID); known != nil && known.Known == "" && known.Value != field.Value {
			field.Known = known.Value
		}
	}
	return f, nil
}

// Seen tells in a few letters what the form says, so that who files it can say what they read.
// The moment of writing and who writes aren't part of it.
func (f Form) Seen() string {
	digest := sha256.New()
	for _, field := range f.Fields {
		if field.From != "clock" && !strings.HasPrefix(field.From, "account:") {
			fmt.Fprintf(digest, "%q %q %t\n", field.ID, strings.TrimSpace(field.Value), field.Secret)
		}
	}
	return hex.EncodeToString(digest.Sum(nil)[:16])
}

func fieldID(id string) bool {
	return id != "" && len(id) <= 60 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Open gives the form as one who may not see trade secrets sees it: the values of
// marked fields are withheld, and it is said so.
func (f Form) Open() Form {
	f.Fields = slices.Clone(f.Fields)
	for i := range f.Fields {
		if f.Fields[i].Secret && !f.Fields[i].Empty() {
			f.Fields[i].Value = withheld
		}
	}
	return f
}

const withheld = "[withheld: trade secret · 商业秘密，不予公开]"

// Gap is something that a form lacks.
type Gap struct {
	Field string `json:"field"`
	// Stops: the stage can't be filed without it. What doesn't stop may follow in a
	// supplement: a first report is incomplete by law.
	Stops bool  `json:"stops"`
	Says  Words `json:"says"`
}

// Check says what the form lacks for its stage, what stops it first, in the order of
// the fields. None is a form to which nothing needs to be added.
func (f Form) Check() []Gap {
	var stops, later []Gap
	for _, field := range f.Fields {
		switch {
		case field.Empty() && field.Required:
			stops = append(stops, f.gap(field, true))
		case field.Empty() && field.Asked != "":
			later = append(later, f.gap(field, false))
		case field.Open():
			later = append(later, Gap{field.ID, false, Words{
				EN: fmt.Sprintf("%s isn't known yet: supplement it as soon as it is.", field.Label.EN),
				ZH: fmt.Sprintf("“%s”尚不清楚，查明后应补充报告。", field.Label.In(Chinese)),
			}})
		}
	}
	return append(stops, later...)
}

func (f Form) gap(field Field, stops bool) Gap {
	stage := f.Says
	if stage == "" {
		stage = human(f.Stage)
	}
	asked, askedZH := "", ""
	if field.Asked != "" {
		words := field.Asks()
		asked = fmt.Sprintf(" The law asks for: %s.", strings.Join(words, "; "))
		for i := range words {
			words[i] = inWords(words[i], Chinese)
		}
		askedZH = fmt.Sprintf("（规定内容：%s）", strings.Join(words, "；"))
	}
	if stops {
		return Gap{field.ID, true, Words{
			EN: fmt.Sprintf("%s is missing, and “%s” can't be filed without it.%s Where nobody knows yet, write “%s”.", field.Label.EN, stage, asked, NotYetKnown),
			ZH: fmt.Sprintf("缺少“%s”，本阶段报告必须填写%s。暂不清楚的，请填写“尚不清楚”。", field.Label.In(Chinese), askedZH),
		}}
	}
	return Gap{field.ID, false, Words{
		EN: fmt.Sprintf("%s is missing; it may follow.%s", field.Label.EN, asked),
		ZH: fmt.Sprintf("缺少“%s”，可以后补%s。", field.Label.In(Chinese), askedZH),
	}}
}

// Stops reports whether one of the gaps stops the filing.
func Stops(gaps []Gap) bool {
	return slices.ContainsFunc(gaps, func(g Gap) bool { return g.Stops })
}
