package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// linkPath is where links to answer an order lead. What comes behind it is a secret: it
// isn't logged, and a browser tells it to nobody.
const linkPath = "/answer/"

// linkPace bounds how often one link is used within a minute.
const linkPace = 120

// linkedView is the page to which a link leads: one order, and nothing else.
type linkedView struct {
	desk.Linked
	Now   time.Time
	Form  form
	Done  bool
	Sheet answerSheet
	Tally []tally
}

// Answerable reports whether the order still takes answers.
func (v linkedView) Answerable() bool { return v.Order.State == casebook.ServedOrder }

// Newest is the last receipt, nil none.
func (v linkedView) Newest() *casebook.Anchor {
	if len(v.Receipts) == 0 {
		return nil
	}
	return &v.Receipts[len(v.Receipts)-1]
}

func (s *server) enterAnswerPages() {
	s.enterPage("GET /answer/{token}", s.linkedPage)
	s.enterPage("GET /answer/{token}/rows", s.linkedRows)
	s.enterPage("POST /answer/{token}", s.linkedForm)
	s.enterPage("POST /answer/{token}/table", s.linkedTable)
}

// linked gives the order to which the request's link leads, unless links are tried too
// often from where it comes, or this one is used too often.
func (s *server) linked(x *exchange) (token string, l desk.Linked, err error) {
	token = x.request.PathValue("token")
	digest := access.Digest(token)
	name, from, at := hex.EncodeToString(digest[:8]), peer(x.request), s.desk.Now()
	s.doors.Lock()
	wait := max(s.links.Wait(name, from, at), s.pace.wait(name, at))
	s.doors.Unlock()
	if wait > 0 {
		p := newProblem(http.StatusTooManyRequests, "links are tried too often from here: wait a moment")
		p.header = http.Header{"Retry-After": {fmt.Sprint(int64(wait/time.Second) + 1)}}
		return token, l, p
	}
	l, err = s.desk.Linked(x.request.Context(), token)
	if errors.Is(err, casebook.ErrNotFound) {
		s.doors.Lock()
		s.links.Failed(name, from, at)
		s.doors.Unlock()
	}
	return token, l, err
}

// pace counts uses within a minute. It must be guarded.
type pace struct {
	minute int64
	uses   map[string]int
}

// wait counts a use and says how long to wait where there were too many in this minute.
func (p *pace) wait(name string, at time.Time) time.Duration {
	if minute := at.Unix() / 60; minute != p.minute || p.uses == nil {
		p.minute, p.uses = minute, map[string]int{}
	}
	const most = 10_000 // names within a minute
	if _, known := p.uses[name]; !known && len(p.uses) >= most {
		return time.Second
	}
	if p.uses[name]++; p.uses[name] > linkPace {
		return time.Duration(60-at.Unix()%60) * time.Second
	}
	return 0
}

func (s *server) linkedPage(x *exchange) error {
	token, l, err := s.linked(x)
	if err != nil {
		return err
	}
	return s.showLinked(x, token, linkedView{Linked: l, Form: form{Name: "", Known: false}, Done: x.request.URL.Query().Get("done") != ""})
}

func (s *server) showLinked(x *exchange, token string, v linkedView) error {
	result := v.Sheet.Result
	var err error
	v.Now = s.desk.Now()
	if v.Sheet, err = sheetOf(x, v.Instruction, v.Form, linkPath+token); err != nil {
		return err
	}
	v.Sheet.Result, v.Sheet.CanAnswer, v.Sheet.Named = result, v.Answerable(), true
	v.Tally = tallyOf(v.Rows)
	code := http.StatusOK
	if v.Form.Status != 0 {
		code = v.Form.Status
	}
	s.show(x, code, "answer", v)
	return nil
}

// linkedRows gives the order's rows as the table that is filled in and sent back.
func (s *server) linkedRows(x *exchange) error {
	_, l, err := s.linked(x)
	if err != nil {
		return err
	}
	return s.giveRows(x, l.Instruction)
}

// linkedForm takes answers that were typed row by row.
func (s *server) linkedForm(x *exchange) error {
	token, l, err := s.linked(x)
	if err != nil {
		return err
	}
	f, err := readForm(x, "answer")
	if err != nil {
		return err
	}
	name, answers := f.text("as", 100, true), f.answers()
	if err = f.err(); err == nil {
		_, err = s.desk.AnswerByLink(x.request.Context(), token, name, answers)
	}
	return s.answeredByLink(x, token, &f, err, linkedView{Linked: l})
}

// linkedTable takes answers in a table that was sent as a file.
func (s *server) linkedTable(x *exchange) error {
	token, l, err := s.linked(x)
	if err != nil {
		return err
	}
	f, err := readForm(x, "table")
	if err != nil {
		return err
	}
	name := f.text("as", 100, true)
	answers, bad, err := f.table(l.Instruction)
	v := linkedView{Linked: l}
	if err == nil {
		var done desk.Answered
		done, err = s.desk.AnswerByLink(x.request.Context(), token, name, answers)
		if bad = append(bad, done.Bad...); len(bad) > 0 {
			v.Sheet.Result = &answerResult{done.Taken, bad}
		}
	}
	return s.answeredByLink(x, token, &f, err, v)
}

// answeredByLink answers for a form that came by a link: with its page, refused or with
// what couldn't be taken; led to it where all was.
func (s *server) answeredByLink(x *exchange, token string, f *form, err error, v linkedView) error {
	if err != nil {
		return s.refuseForm(x, f, err, linkPath+token, func() error {
			v.Form = *f
			return s.showLinked(x, token, v)
		})
	}
	if v.Sheet.Result != nil && wantsPage(x.request) {
		if v.Linked, err = s.desk.Linked(x.request.Context(), token); err != nil {
			return err
		}
		x.page = linkPath + token
		return s.showLinked(x, token, v)
	}
	return s.done(x, linkPath+token+"?done=answer#main", func() (any, error) {
		l, err := s.desk.Linked(x.request.Context(), token)
		return map[string]any{"kind": "receipts", "order": l.Order.ID.Text(casebook.OrderPrefix), "receipts": receiptNames(l.Receipts)}, err
	})
}

func receiptNames(all []casebook.Anchor) []string {
	names := []string{}
	for _, one := range all {
		names = append(names, one.ID.Text(casebook.AnchorPrefix))
	}
	return names
}
