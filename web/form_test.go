package web

import (
	"maps"
	"net/url"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
)

// TestLocalMoment: of a moment that the clocks showed twice the first is meant, from
// which no limit ends later; one that they skipped never was.
func TestLocalMoment(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-03-17T05:30":       "2026-03-17T04:30:00Z",
		"2026-03-17T05:30:59":    "2026-03-17T04:30:59Z",
		"2026-03-17 05:30":       "2026-03-17T04:30:00Z",
		"2026-07-17T05:30":       "2026-07-17T03:30:00Z",
		"2026-10-25T02:30":       "2026-10-25T00:30:00Z", // shown at 00:30 and at 01:30 UTC
		"2026-10-25T03:00":       "2026-10-25T02:00:00Z",
		"2026-03-29T02:30":       "", // from 02:00 the clocks went to 03:00
		"2026-03-29T03:00":       "2026-03-29T01:00:00Z",
		"2026-02-30T10:00":       "",
		"17.03.2026 05:30":       "",
		"2026-03-17T05:30+01:00": "",
		"now":                    "",
	} {
		got, ok := localMoment(text, berlin)
		if ok != (want != "") || ok && got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %v %v, want %q", text, got, ok, want)
		}
	}
}

// TestPlainFigure: figures as the trade writes them.
func TestPlainFigure(t *testing.T) {
	for text, want := range map[string]string{"120万": "1200000", "1.2 亿": "120000000", "1,200万": "12000000", "0.5万": "5000", "１２０，０００": "120,000", "1.23456万": "1.23456万",
		"万": "万", "很多": "很多", "1200000": "1200000", "880000..1020000": "880000..1020000", "88万..102万": "880000..1020000", "-1万": "-10000", "9999999999999999999亿": "9999999999999999999亿"} {
		if got := plainFigure(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestFormFacts: each fact is read as the register has it, and what isn't one is said
// at its field.
func TestFormFacts(t *testing.T) {
	f := form{Name: "confirm", values: url.Values{"fact.controlled_addresses_unique_24h": {"88万..102万"}, "fact.persons_data": {"-3"}, "fact.outbreak_nationwide": {"yes"},
		"fact.portal_rank": {"palace"}, "fact.loss_cny": {"yes"}, "fact.deaths": {" "}, "other": {"users_offline"}, "other_value": {"7"}}}
	got := f.facts(regime.Facts())
	want := casebook.Facts{"controlled_addresses_unique_24h": casebook.IntervalValue(casebook.Interval{Low: 880_000, Point: 880_000, High: 1_020_000}), "outbreak_nationwide": casebook.YesNoValue(true), "users_offline": casebook.NumberValue(7)}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, field := range []string{"fact.persons_data", "fact.portal_rank", "fact.loss_cny"} {
		if !f.Wrong(field) {
			t.Errorf("nothing is wrong with %s", field)
		}
	}
	f = form{values: url.Values{"other": {"no_such_fact"}, "other_value": {"7"}}}
	if got := f.facts(regime.Facts()); len(got) != 0 || !f.Wrong("other_value") {
		t.Errorf("got %v %v", got, f.faults)
	}
	f = form{values: url.Values{"other": {"users_offline"}}}
	if got := f.facts(regime.Facts()); len(got) != 0 || !f.Wrong("other_value") {
		t.Errorf("got %v %v", got, f.faults)
	}
}

// TestLeft: two units, the smaller one rounded down, and since when it is over.
func TestLeft(t *testing.T) {
	all := openLanguages()
	now := time.Date(2026, 3, 16, 19, 3, 27, 0, time.UTC)
	for d, want := range map[time.Duration][2]string{
		0:                               {"0 min 00 s left", "剩 0 分 00 秒"},
		59*time.Minute + 59*time.Second: {"59 min 59 s left", "剩 59 分 59 秒"},
		time.Hour:                       {"1 h 00 min left", "剩 1 小时 00 分"},
		48*time.Hour - time.Second:      {"47 h 59 min left", "剩 47 小时 59 分"},
		50 * time.Hour:                  {"2 d 2 h left", "剩 2 天 2 小时"},
		-time.Second:                    {"0 min 01 s over", "已超 0 分 01 秒"},
		-(3*time.Hour + 5*time.Minute):  {"3 h 05 min over", "已超 3 小时 05 分"},
	} {
		for i, l := range all {
			html, err := l.left(now, now.Add(d))
			class := "left"
			if d < 0 {
				class = "left over"
			}
			whole := `<span class="` + class + `" data-due="` + now.Add(d).Format(time.RFC3339) + `">` + want[i] + `</span>`
			if string(html) != whole || err != nil {
				t.Errorf("%v in %s: got %s %v, want %s", d, l.tag, html, err, whole)
			}
		}
	}
}

// TestInZone: a due moment stands in the zone of its law, with the day of the week,
// and with seconds where it has any.
func TestInZone(t *testing.T) {
	all := openLanguages()
	end := time.Date(2026, 10, 13, 15, 59, 59, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		zone string
		want [2]string
	}{
		{end, "Asia/Shanghai", [2]string{"Tue 13 Oct 2026 23:59:59", "2026年10月13日（周二）23:59:59"}},
		{end.Add(time.Second), "Europe/Berlin", [2]string{"Tue 13 Oct 2026 18:00", "2026年10月13日（周二）18:00"}},
		{end.Add(time.Second), "", [2]string{"Tue 13 Oct 2026 16:00", "2026年10月13日（周二）16:00"}},
		{end.Add(time.Second), "Nowhere/Land", [2]string{"Tue 13 Oct 2026 16:00", "2026年10月13日（周二）16:00"}},
	} {
		for i, l := range all {
			zone := l.zoneName(c.zone)
			if c.zone == "Nowhere/Land" {
				zone = "UTC"
			}
			want := `<time datetime="` + c.at.Format(time.RFC3339) + `">` + c.want[i] + `</time> <span class="zone">` + zone + `</span>`
			if got := string(l.inZone(c.at, c.zone)); got != want {
				t.Errorf("%s in %s: got %s, want %s", c.zone, l.tag, got, want)
			}
		}
	}
}
