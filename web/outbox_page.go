package web

import (
	"net/url"
	"slices"
	"unicode/utf8"

	"tocsin/store"
)

// outboxView is the page of what is told outside.
type outboxView struct {
	Form    form
	List    []outgoing
	Filters []filter
	CanCall bool
	Done    string // Message-ID of the line that was just put back
	Next    string // address of the next page, "" none
}

// shownText is how many octets of a line's text the page shows, so that a hundred lines
// of many calls each stay a page. The most urgent comes first in each.
const shownText = 400

// clipText shortens a text to shownText.
func clipText(s string) string {
	if len(s) <= shownText {
		return s
	}
	n := shownText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// outboxFilters are the ways to narrow the outbox.
var outboxFilters = []string{"", "waiting", "sending", "sent", "dead"}

func (s *server) outboxPage(x *exchange) error {
	return s.showOutbox(x, outboxView{Form: blankForm(x), Done: x.request.URL.Query().Get("done")})
}

func (s *server) showOutbox(x *exchange, v outboxView) error {
	ctx := x.request.Context()
	r, q := s.desk.Reader(x.caller.scope), x.request.URL.Query()
	word := q.Get("state")
	counts, err := r.OutboxCounts(ctx)
	if err != nil {
		return err
	}
	for i, one := range outboxFilters {
		line := filter{Key: one, Query: one, Here: one == word}
		for state, n := range counts {
			if i == 0 || state == i-1 {
				line.Count += n
			}
		}
		v.Filters = append(v.Filters, line)
	}
	state, err := outboxState(word)
	if err != nil {
		return err
	}
	all, err := r.OutboxPage(ctx, store.OutboxFilter{State: state, After: q.Get("cursor")}, pageRows+1)
	if err != nil {
		return err
	}
	if len(all) > pageRows {
		all = all[:pageRows]
		v.Next = nextPage(q, all[pageRows-1].MessageID)
	}
	whole := viewOutbox(all)
	v.CanCall, v.List = s.desk.CanCall(), slices.Clone(whole)
	for i := range v.List {
		v.List[i].Text = clipText(v.List[i].Text)
	}
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "outbox", v)
		return nil
	}
	return s.render(x, "outbox", v, page[outgoing]{Items: whole})
}

func viewOutbox(all []store.Outgoing) []outgoing {
	lines := []outgoing{}
	for _, o := range all {
		lines = append(lines, viewOutgoing(o))
	}
	return lines
}

// outboxLineView is the page of one line.
type outboxLineView struct {
	Form    form
	Line    outgoing
	Parts   []outgoing // the lines into which it was made
	CanCall bool
}

// maxParts is how many lines of those that one was made into are shown.
const maxParts = 50

func (s *server) outboxLinePage(x *exchange) error {
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	o, err := r.Outgoing(ctx, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	v := outboxLineView{Form: blankForm(x), Line: viewOutgoing(o), CanCall: s.desk.CanCall()}
	if v.Line.Target == "" {
		parts, err := r.OutboxParts(ctx, o.MessageID, maxParts)
		if err != nil {
			return err
		}
		v.Parts = viewOutbox(parts)
	}
	return s.render(x, "outbox_line", v, v.Line)
}

// resendView is the form that sends a line again.
type resendView struct {
	Form form
	Line outgoing
}

func (s *server) resendForm(x *exchange) error {
	f, who, err := readAct(x, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	why := f.text("reason", 200, true)
	if err = f.err(); err == nil {
		_, err = s.desk.Resend(x.request.Context(), who, f.Name, why)
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/outbox", func() error { return s.showOutbox(x, outboxView{Form: f}) })
	}
	keepName(x, who)
	return s.done(x, "/outbox?done="+url.QueryEscape(f.Name), func() (any, error) {
		o, err := s.desk.Reader(x.caller.scope).Outgoing(x.request.Context(), f.Name)
		return viewOutgoing(o), err
	})
}
