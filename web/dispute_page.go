package web

import (
	"net/url"
	"slices"
	"strings"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

// pageDisputes is how many disputes the page of the scorecards shows.
const pageDisputes = 50

// disputeLine is a dispute as the page of the scorecards shows it.
type disputeLine struct {
	casebook.Dispute
	Duty casebook.Duty // regime and stage only
}

// lineOption is a line of a scorecard that can be disputed, to choose from.
type lineOption struct {
	Value string
	casebook.ScoreLine
	PartyName string
}

// lineText names a line in a field of a form.
func lineText(l casebook.ScoreLine) string {
	drill := ""
	if l.Exercise {
		drill = "exercise"
	}
	return strings.Join([]string{l.Party.Text(casebook.PartyPrefix), l.Region, l.Regime, l.Stage, l.Month, drill}, "|")
}

// scoreLineOf reads what lineText wrote; the zero line for anything else.
func scoreLineOf(text string) (l casebook.ScoreLine) {
	parts := strings.Split(text, "|")
	if len(parts) != 6 {
		return l
	}
	party, err := casebook.ParseID(casebook.PartyPrefix, parts[0])
	if err != nil {
		return l
	}
	return casebook.ScoreLine{Party: party, Region: parts[1], Regime: parts[2], Stage: parts[3], Month: parts[4], Exercise: parts[5] == "exercise"}
}

// disputes adds to the page what was said against its lines, and what may be.
func (s *server) disputes(x *exchange, v *scoresView, all []regime.Score, month string) error {
	found, err := s.desk.Reader(x.caller.scope).Disputes(x.request.Context(), store.DisputeFilter{Month: month}, pageDisputes)
	if err != nil {
		return err
	}
	open := map[casebook.ScoreLine]bool{}
	for _, d := range found {
		line := disputeLine{d, casebook.Duty{Regime: d.Line.Regime, Stage: d.Line.Stage}}
		v.Disputes = append(v.Disputes, line)
		if d.State != casebook.OpenDispute {
			continue
		}
		open[d.Line] = true
		if d.By != x.caller.actor.String() {
			v.Undecided = append(v.Undecided, line)
		}
	}
	for _, one := range all {
		if l := one.Line(); one.Late+one.Never > 0 && l.Draft(v.At) && !open[l] && !one.Party.IsZero() {
			v.Disputable = append(v.Disputable, lineOption{lineText(l), l, one.PartyName})
		}
	}
	return nil
}

// scoresAddress is where the page of a month stands.
func scoresAddress(month, done string) string {
	query := url.Values{"done": {done}}
	if month != "" {
		query.Set("month", month)
	}
	return "/scorecards?" + query.Encode() + "#disputes"
}

// disputeForm is a party's objection to a line.
func (s *server) disputeForm(x *exchange) error {
	return s.scoreForm(x, "dispute", func(f *form, who casebook.Actor) (func() (casebook.Dispute, error), error) {
		line, text := scoreLineOf(f.values.Get("line")), f.text("text", 4000, true)
		if line.Party.IsZero() {
			f.wrong("line", "fault.choice")
		}
		return func() (casebook.Dispute, error) {
			return s.desk.Dispute(x.request.Context(), who, x.caller.scope, line, text)
		}, nil
	})
}

// decisionForm is what the authority decides on a dispute.
func (s *server) decisionForm(x *exchange) error {
	return s.scoreForm(x, "decide", func(f *form, who casebook.Actor) (func() (casebook.Dispute, error), error) {
		id, err := casebook.ParseID(casebook.DisputePrefix, f.values.Get("dispute"))
		if err != nil {
			f.wrong("dispute", "fault.choice")
		}
		decision, reason := f.choice("decision", disputeDecisions), f.text("reason", 4000, true)
		if decision == "" && !f.Wrong("decision") {
			f.wrong("decision", "fault.missing")
		}
		return func() (casebook.Dispute, error) {
			return s.desk.DecideDispute(x.request.Context(), who, id, decision == "upheld", reason)
		}, nil
	})
}

// disputeDecisions are what can be decided.
var disputeDecisions = []string{"upheld", "rejected"}

// scoreForm reads a form of the page of the scorecards, does what it says, and leads
// back to the page.
func (s *server) scoreForm(x *exchange, name string, read func(f *form, who casebook.Actor) (func() (casebook.Dispute, error), error)) error {
	f, who, err := readAct(x, name)
	if err != nil {
		return err
	}
	act, err := read(&f, who)
	if err == nil {
		err = f.err()
	}
	var d casebook.Dispute
	if err == nil {
		d, err = act()
	}
	month := x.request.URL.Query().Get("month")
	if err != nil {
		return s.refuseForm(x, &f, err, "/scorecards", func() error { return s.showScores(x, scoresView{Form: f}) })
	}
	keepName(x, who)
	return s.done(x, scoresAddress(month, name), func() (any, error) { return viewDispute(d), nil })
}

// disputeOptions are disputes to choose from.
func (l *language) disputeOptions(stage func(law, stage string) string, all []disputeLine) []option {
	var list []option
	for _, d := range all {
		list = append(list, option{Value: d.ID.Text(casebook.DisputePrefix), Label: lineLabel(stage, d.PartyName, d.Line)})
	}
	return list
}

// lineOptions are lines of a scorecard to choose from.
func (l *language) lineOptions(stage func(law, stage string) string, all []lineOption) []option {
	var list []option
	for _, one := range all {
		list = append(list, option{Value: one.Value, Label: lineLabel(stage, one.PartyName, one.ScoreLine)})
	}
	return list
}

func lineLabel(stage func(law, stage string) string, party string, l casebook.ScoreLine) string {
	parts := []string{l.Month, party, stage(l.Regime, l.Stage), l.Region}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}
