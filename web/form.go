package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/regime"
)

// maxForm bounds the octets of a form, maxUpload those of one that brings a file.
const (
	maxForm   = 256 << 10
	maxUpload = 4 << 20
)

// form is what the forms of a page are filled from: the name of who acted last in
// this browser, and, where one was refused, what was typed in it and what is wrong
// with that.
type form struct {
	Name   string // of the form that was refused; "" none was
	As     string
	Known  bool // who acts is signed in: nobody is asked for a name
	who    access.Principal
	Status int    // of the refusal
	Detail string // what the desk said, for who reads English
	values url.Values
	files  map[string][]*multipart.FileHeader
	faults []fault
}

// fault is what is wrong with one field, by the key of the words that say it.
type fault struct {
	Field string
	Key   string
	With  []any
}

// nameCookie remembers who acts in a browser, until there are accounts.
const nameCookie = "as"

// blankForm is the form of a page that nobody has typed in.
func blankForm(x *exchange) form {
	f := form{who: x.caller.principal}
	if p := x.caller.principal; p.IsPerson() {
		f.As, f.Known = p.Actor.Name, true
		return f
	}
	if c, err := x.request.Cookie(nameCookie); err == nil {
		// A cookie that isn't ours says nothing.
		f.As, _ = url.QueryUnescape(c.Value)
	}
	return f
}

// readForm reads the body of a form of some name. It gives ErrInvalid for what is
// no form, and ErrTooLarge past maxForm.
func readForm(x *exchange, name string) (form, error) {
	f := blankForm(x)
	f.Name = name
	r := x.request
	read, most := r.ParseForm, int64(maxForm)
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "multipart/form-data" {
		// As much is held in memory as may come, so that no file is left on disk.
		read, most = func() error { return r.ParseMultipartForm(maxUpload) }, maxUpload
	}
	r.Body = io.NopCloser(x.body(most))
	if err := read(); err != nil {
		if status(err) == http.StatusRequestEntityTooLarge {
			return f, err
		}
		return f, fmt.Errorf("the form can't be read (%w): %w", err, casebook.ErrInvalid)
	}
	f.values = r.PostForm
	if r.MultipartForm != nil {
		f.files = r.MultipartForm.File
	}
	return f, nil
}

// readAct reads the form of an act, and who acts.
func readAct(x *exchange, name string) (form, casebook.Actor, error) {
	f, err := readForm(x, name)
	if err != nil {
		return f, casebook.Actor{}, err
	}
	who, err := f.person(x)
	return f, who, err
}

// upload gives a file that came with the form and its name; nil without one, or with
// one that is empty.
func (f form) upload(field string) (name string, content []byte, err error) {
	if len(f.files[field]) == 0 || f.files[field][0].Size == 0 {
		return "", nil, nil
	}
	one := f.files[field][0]
	file, err := one.Open()
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	content, err = io.ReadAll(file)
	return one.Filename, content, err
}

// keepName lets the browser remember who acted. The name is no key: it lets nobody
// in, it saves typing.
func keepName(x *exchange, who casebook.Actor) {
	if x.caller.principal.IsPerson() {
		return
	}
	http.SetCookie(x, &http.Cookie{Name: nameCookie, Value: url.QueryEscape(who.Name), Path: "/", MaxAge: 30 * 86400,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: x.request.TLS != nil})
}

// May reports whether who sees the page may send a form to a route, by the route's
// pattern.
func (f form) May(pattern string) bool { return f.who.May(rules[pattern]) }

func (f *form) wrong(field, key string, with ...any) {
	f.faults = append(f.faults, fault{field, key, with})
}

// Wrong reports whether something is wrong with a field.
func (f form) Wrong(field string) bool {
	return slices.ContainsFunc(f.faults, func(one fault) bool { return one.Field == field })
}

// Typed is what stands in a field of a form, "" where that form wasn't sent.
func (f form) Typed(name, field string) string {
	if f.Name != name {
		return ""
	}
	return f.values.Get(field)
}

// Filled reports whether any of some facts was told in a form that was refused.
func (f form) Filled(name string, facts []figureField) bool {
	return slices.ContainsFunc(facts, func(one figureField) bool { return f.Typed(name, factField(one.Name)) != "" })
}

// text reads a field of at most max runes.
func (f *form) text(field string, most int, needed bool) string {
	text := strings.TrimSpace(f.values.Get(field))
	switch {
	case text == "" && needed:
		f.wrong(field, "fault.missing")
	case len([]rune(text)) > most:
		f.wrong(field, "fault.long", "most", most)
	}
	return text
}

// person reads who acts: whoever is signed in, or who says so where nobody needs to
// be. It gives ErrForbidden as Acting does.
func (f *form) person(x *exchange) (casebook.Actor, error) {
	a := Acting{As: f.text("as", 100, !f.Known)}
	who, err := a.person(x)
	if errors.Is(err, casebook.ErrInvalid) {
		if a.As != "" {
			f.wrong("as", "fault.name")
		}
		err = nil
	}
	return who, err
}

// choice reads a field that holds one of some words; none is "".
func (f *form) choice(field string, words []string) string {
	word := f.values.Get(field)
	if word != "" && !slices.Contains(words, word) {
		f.wrong(field, "fault.choice")
		return ""
	}
	return word
}

// momentLayouts are how browsers write a local moment, and people who type one.
var momentLayouts = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05"}

// moment reads a field with a local moment in the zone of another field; none is
// zero. Of a moment that the clocks showed twice it takes the first, from which no
// limit ends later; one that they skipped is refused, and so is one to come.
func (f *form) moment(field string, zone *time.Location, now time.Time) time.Time {
	text := strings.TrimSpace(f.values.Get(field))
	if text == "" {
		return time.Time{}
	}
	at, ok := localMoment(text, zone)
	switch {
	case !ok:
		f.wrong(field, "fault.moment")
	case at.After(now.Add(time.Minute)):
		f.wrong(field, "fault.future")
	default:
		return at
	}
	return time.Time{}
}

// until reads a field with a moment that may be still to come, as moment does.
func (f *form) until(field string, zone *time.Location) time.Time {
	text := strings.TrimSpace(f.values.Get(field))
	if text == "" {
		return time.Time{}
	}
	at, ok := localMoment(text, zone)
	if !ok {
		f.wrong(field, "fault.moment")
		return time.Time{}
	}
	return at
}

// parseMoment reads a moment that a page of ours wrote for itself.
func parseMoment(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		err = fmt.Errorf("%.60q is no moment: %w", text, casebook.ErrInvalid)
	}
	return at, err
}

func localMoment(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range momentLayouts {
		at, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		if at.Format(layout) != text {
			return at, false // the clocks skipped it
		}
		for _, back := range []time.Duration{2 * time.Hour, time.Hour, 30 * time.Minute} {
			if before := at.Add(-back); before.Format(layout) == text {
				at = before
				break
			}
		}
		return at.UTC(), true
	}
	return time.Time{}, false
}

// zone reads the field that says in which zone moments were told.
func (f *form) zone(field string) *time.Location {
	name := f.values.Get(field)
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		f.wrong(field, "fault.zone")
		return time.UTC
	}
	return zone
}

// factField is the name of the field that holds a fact.
func factField(name string) string { return "fact." + name }

// facts reads the fields of facts: those of the register by their names, and one
// more whose name was chosen.
func (f *form) facts(register *regime.Register) casebook.Facts {
	facts := casebook.Facts{}
	read := func(field, name, text string) {
		if text = strings.TrimSpace(text); text == "" {
			return
		}
		_, v, err := casebook.ParseFact(name + "=" + plainFigure(text))
		if err == nil {
			err = register.Check(casebook.Facts{name: v})
		}
		if err != nil {
			f.wrong(field, "fault.fact")
			return
		}
		facts[name] = v
	}
	for _, one := range register.List() {
		read(factField(one.Name), one.Name, f.values.Get(factField(one.Name)))
	}
	if name := f.values.Get("other"); name != "" {
		text := f.text("other_value", 100, true)
		read("other_value", name, text)
	}
	return facts
}

// plainFigure writes a figure, or each end of a range, as people in the trade write
// them, 120万, 1.2 亿 or １２０，０００, in plain digits; anything else stays as it is.
func plainFigure(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '，':
			return ','
		case r == '．':
			return '.'
		}
		return r
	}, text)
	ends := strings.Split(text, "..")
	for i, end := range ends {
		ends[i] = plainEnd(end)
	}
	return strings.Join(ends, "..")
}

// plainEnd writes one figure in plain digits.
func plainEnd(text string) string {
	for unit, zeros := range map[string]int{"万": 4, "亿": 8} {
		head, ok := strings.CutSuffix(strings.TrimSpace(text), unit)
		if !ok {
			continue
		}
		whole, part, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(head), ",", ""), ".")
		if whole == "" || len(part) > zeros {
			return text
		}
		n, err := strconv.ParseInt(whole+part+strings.Repeat("0", zeros-len(part)), 10, 64)
		if err != nil {
			return text
		}
		return strconv.FormatInt(n, 10)
	}
	return text
}

// err is what is wrong with the form's fields, for programs; nil if nothing is.
func (f form) err() error {
	if len(f.faults) == 0 {
		return nil
	}
	var said []string
	for _, one := range f.faults {
		said = append(said, one.Field+": "+strings.TrimPrefix(one.Key, "fault."))
	}
	return fmt.Errorf("%s: %w", strings.Join(said, "; "), casebook.ErrInvalid)
}

// refuse notes why the desk, or the form itself, refuses what was typed. It gives
// back an error that isn't the typist's: that one is told on a page of its own.
func (f *form) refuse(err error) error {
	if own := f.err(); own != nil {
		f.Status = http.StatusBadRequest
		return nil
	}
	switch code := status(err); code {
	case http.StatusBadRequest, http.StatusConflict, http.StatusForbidden:
		f.Status, f.Detail = code, plainRefusal(err)
		return nil
	}
	return err
}

// plainRefusal is what an error says, without the word of its class at its end.
func plainRefusal(err error) string {
	text := err.Error()
	for _, class := range []error{casebook.ErrInvalid, casebook.ErrConflict, casebook.ErrForbidden, casebook.ErrNotFound} {
		if errors.Is(err, class) {
			text = strings.TrimSuffix(text, ": "+class.Error())
		}
	}
	return text
}
