package web

import (
	"slices"
	"time"

	"tocsin/casebook"
	"tocsin/feed"
	"tocsin/store"
)

// What the page of the feeds looks at.
const (
	rhythmOf  = 40 // newest arrivals of each
	badOf     = 20 // newest deliveries with bad rows
	badEach   = 3  // rows of each of them
	badWithin = 7 * 24 * time.Hour
)

// feedsView is the page of the feeds' health.
type feedsView struct {
	Form    form
	Now     time.Time
	Feeds   []feedLine
	Sources []sourceLine
	Never   []feed.Format // formats of which nothing ever came
	Bad     []store.RefusedRow
	Silent  int // feeds and sources that are silent

}

// feedLine is one format and report type of which something came.
type feedLine struct {
	store.FeedSum
	About  string
	Usual  time.Duration // gap between arrivals, zero: can't be told
	Age    time.Duration
	Silent bool
}

// sourceLine is one source of claims.
type sourceLine struct {
	store.SourceSum
	First, Last casebook.Day
	Silent      bool // for longer than its gap
}

// feedHealth says how a feed does, at a moment.
func feedHealth(sum store.FeedSum, now time.Time) feedLine {
	l := feedLine{FeedSum: sum, Usual: casebook.Rhythm(sum.Arrivals), Age: max(0, now.Sub(sum.Last.ReceivedAt))}
	l.Silent = casebook.Silent(l.Usual, l.Age)
	return l
}

// sourceHealth says how a source does, at a moment.
func sourceHealth(sum store.SourceSum, now time.Time) sourceLine {
	l := sourceLine{SourceSum: sum}
	l.First, _ = sum.Days.First()
	last, heard := sum.Days.Last()
	l.Last = last
	l.Silent = heard && sum.GapDays > 0 && int(casebook.DayOf(now)-last) > sum.GapDays
	return l
}

func (s *server) feedsPage(x *exchange) error {
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	v := feedsView{Form: blankForm(x), Now: s.desk.Now()}
	sums, err := r.FeedSums(ctx, v.Now, rhythmOf)
	if err != nil {
		return err
	}
	about, came := map[string]string{}, map[string]bool{}
	for _, f := range s.desk.Feeds().Formats() {
		about[f.Name] = f.About
	}
	for _, sum := range sums {
		came[sum.Feed] = true
		line := feedHealth(sum, v.Now)
		line.About = about[sum.Feed]
		delete(about, sum.Feed) // said once
		v.Feeds = append(v.Feeds, line)
	}
	v.Never = slices.DeleteFunc(slices.Clone(s.desk.Feeds().Formats()), func(f feed.Format) bool { return came[f.Name] })
	sources, err := r.Sources(ctx)
	if err != nil {
		return err
	}
	for _, sum := range sources {
		v.Sources = append(v.Sources, sourceHealth(sum, v.Now))
	}
	// What is silent comes first: a person must find out why.
	slices.SortStableFunc(v.Feeds, func(a, b feedLine) int { return number01(b.Silent) - number01(a.Silent) })
	slices.SortStableFunc(v.Sources, func(a, b sourceLine) int { return number01(b.Silent) - number01(a.Silent) })
	for _, f := range v.Feeds {
		v.Silent += number01(f.Silent)
	}
	for _, one := range v.Sources {
		v.Silent += number01(one.Silent)
	}
	v.Sources = v.Sources[:min(len(v.Sources), pageRows)]
	if v.Bad, err = r.NewestRefusals(ctx, v.Now.Add(-badWithin), badOf, badEach); err != nil {
		return err
	}
	return s.render(x, "feeds", v, pageOf(v.Feeds, len(v.Feeds), viewFeed, nil).Body)
}

// feedState is the health of a feed for programs.
type feedState struct {
	Kind       string     `json:"kind" enum:"feed_health"`
	Feed       string     `json:"feed"`
	Type       string     `json:"type"`
	Deliveries int64      `json:"deliveries"`
	LastAt     time.Time  `json:"last_at"`
	Last       string     `json:"last"`
	UsualGap   int64      `json:"usual_gap_seconds" doc:"0: too few came to tell."`
	Silent     bool       `json:"silent" doc:"Nothing came for over three usual gaps."`
	Day        rowSumJSON `json:"day"`
	Week       rowSumJSON `json:"week"`
}

// rowSumJSON is a store.RowSum for programs.
type rowSumJSON struct {
	Deliveries int64 `json:"deliveries"`
	Taken      int64 `json:"taken"`
	Duplicate  int64 `json:"duplicate"`
	Refused    int64 `json:"refused"`
}

func viewFeed(f feedLine) feedState {
	return feedState{"feed_health", f.Feed, f.Type, f.Deliveries, f.Last.ReceivedAt, f.Last.ID.Text(casebook.DeliveryPrefix),
		int64(f.Usual / time.Second), f.Silent, rowSumJSON(f.Day), rowSumJSON(f.Week)}
}
