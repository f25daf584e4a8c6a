package web

import (
	"net/url"
	"slices"
	"unicode/utf8"
)

// outboxView is the page of what is told outside.
type outboxView struct {
	Form    form
	List    []outgoing
	Filters []filter
	CanCall bool
	Done    string // Message-ID of the line that was just put back
	More    bool   // older lines are left out
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
	r := s.desk.Reader(x.caller.scope)
	word := x.request.URL.Query().Get("state")
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
	answer, err := s.listOutbox(ctx, &listOutbox{Asked{x}, word, pageRows + 1})
	if err != nil {
		return err
	}
	all := answer.Body.Items
	v.CanCall, v.More, all = s.desk.CanCall(), len(all) > pageRows, all[:min(len(all), pageRows)]
	v.List = slices.Clone(all)
	for i := range v.List {
		v.List[i].Text = clipText(v.List[i].Text)
	}
	if v.Form.Status != 0 {
		s.show(x, v.Form.Status, "outbox", v)
		return nil
	}
	return s.render(x, "outbox", v, page[outgoing]{Items: all})
}

func (s *server) resendForm(x *exchange) error {
	f, err := readForm(x, x.request.PathValue("id"))
	if err != nil {
		return err
	}
	who, err := f.person(x)
	if err != nil {
		return err
	}
	if err = f.err(); err == nil {
		_, err = s.desk.Resend(x.request.Context(), who, f.Name)
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
