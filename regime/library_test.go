package regime

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/casebook"
)

// province is a small sound pack of a site.
const province = `id: cn-xx-2026
version: 1
name: Rules of a province, made for a test
date: "2026-01-01"
jurisdiction: CN
status: in_force
in_force: {from: "2026-01-01"}
zone: Asia/Shanghai
calendar: cn
confidence: text
sources: [a test]
who: {roles: [hosting], article: art. 2, confidence: text}
recipients:
  branch: {name: the province's branch, role: provincial_authority}
grades:
  levels: [grave]
  rest: slight
  rules:
    - {id: many, level: grave, when: controlled_addresses_unique_24h >= 5000, article: art. 3, says: Five thousand addresses or more, confidence: text}
stages:
  - id: report
    name: Report
    article: art. 4
    grades: [grave]
    anchor: detection
    limits: [{limit: 6h, confidence: text}]
    to: {all_of: [branch]}
  - id: follow_up
    name: Follow-up
    article: art. 5
    grades: [grave]
    anchor: submission_of_previous_stage
    of: report
    limits: [{limit: 5 working days, confidence: text}]
    to: {all_of: [branch]}
consequences: {state: none}
examples:
  - {name: five thousand, facts: {controlled_addresses_unique_24h: 5000}, grade: grave, reach: reached}
  - {name: one fewer, facts: {controlled_addresses_unique_24h: 4999}, grade: none}
`

func TestBadPacksAreRefused(t *testing.T) {
	for _, c := range []struct{ name, old, now, want string }{
		{"an unknown fact", "when: controlled_addresses_unique_24h >=", "when: controlled_adresses_unique_24h >=", "line 19: grades.rules.many.when: condition names the fact controlled_adresses_unique_24h, which isn't in the register; did you mean controlled_addresses_unique_24h?"},
		{"a missing article", "    article: art. 4\n", "", "line 21: stages.report.article: missing"},
		{"a rule without an article", "article: art. 3, ", "", "line 19: grades.rules.many.article: missing"},
		{"a threshold without an example below it", "4999}, grade: none", "1}, grade: none", "line 19: grades.rules.many.when: the threshold controlled_addresses_unique_24h >= 5000 has no example on each side"},
		{"a threshold without an example at it", "  - {name: five thousand, facts: {controlled_addresses_unique_24h: 5000}, grade: grave, reach: reached}\n", "", "has no example on each side"},
		{"an example that doesn't hold", "grade: none}", "grade: grave, reach: reached}", `line 39: examples.1: example "one fewer": got grade none , want grave reached`},
		{"stages in a circle", "    anchor: detection\n", "    anchor: submission_of_previous_stage\n    of: follow_up\n", "the stages wait for one another in a circle"},
		{"a wrong zone", "zone: Asia/Shanghai", "zone: Asia/Peking", `line 8: zone: "Asia/Peking" is no zone`},
		{"the machine's own zone", "zone: Asia/Shanghai", "zone: Local", "is no zone"},
		{"an expired calendar", `from: "2026-01-01"`, `from: "2027-01-01"`, "line 9: calendar: expired: cn 2025-11-04 ends on 2026-12-31, and the pack is in force from 2027-01-01"},
		{"no calendar that is known", "calendar: cn", "calendar: china", "no calendar is called"},
		{"working days without a calendar", "calendar: cn\n", "", "counts working days"},
		{"a limit from memory, unconfirmed", "limits: [{limit: 6h, confidence: text}]", "limits: [{limit: 6h, confidence: memory}]", "line 26: stages.report.limits.0.blank: missing: a limit known from memory only counts as unknown"},
		{"a rule from memory, unconfirmed", "says: Five thousand addresses or more, confidence: text", "says: Five thousand addresses or more, confidence: memory", "memory alone counts as unknown"},
		{"a limit without a figure and nobody to give it", "limits: [{limit: 6h, confidence: text}]", "limits: [{limit: promptly, confidence: text}]", "promptly is no figure"},
		{"a confirmation by nobody", "limits: [{limit: 6h, confidence: text}]", "limits: [{limit: 6h, confidence: confirmed}]", "confirmed by whom?"},
		{"a limit that isn't one", "limit: 6h", "limit: 6 fortnights", "line 26: stages.report.limits.0.limit: limit \"6 fortnights\""},
		{"an anchor that isn't one", "anchor: detection", "anchor: discovry", "stages.report.anchor: \"discovry\""},
		{"a stage that isn't there", "of: report", "of: rapport", "line 33: stages.follow_up.of: \"rapport\""},
		{"a recipient that isn't there", "to: {all_of: [branch]}", "to: {all_of: [brunch]}", "did you mean branch?"},
		{"nobody to report to", "    to: {all_of: [branch]}\n", "", "missing: who gets it"},
		{"a role that isn't one", "roles: [hosting]", "roles: [hoster]", "did you mean hosting?"},
		{"a grade that isn't one", "    grades: [grave]\n", "    grades: [graves]\n", "did you mean grave?"},
		{"a key that packs don't have", "who:", "whom:", "line 12: unknown field \"whom\""},
		{"a key twice", "sources: [a test]", "sources: [a test]\nsources: [another]", "line 12"},
		{"an alias", "sources: [a test]", "sources: &s [a test]\nnotes: *s", "no anchors, aliases or tags"},
		{"no source", "sources: [a test]\n", "", "missing: say where this was read"},
		{"in force on no day", `from: "2026-01-01"`, `from: "2026-02-30"`, "is no day"},
		{"an open bracket", "sources: [a test]", "sources: [a test", "line"},
		{"nothing", province, "", "expected one document"},
		{"two documents", "id: cn-xx-2026", "a: 1\n---\nid: cn-xx-2026", "expected one document"},
		{"brackets within brackets", "sources: [a test]", "sources: " + strings.Repeat("[", 30) + strings.Repeat("]", 30), "line 11: a line of more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(province, c.old, c.now, 1)
			if text == province {
				t.Fatalf("nothing was changed by %q", c.old)
			}
			l, faults := Load(fstest.MapFS{"broken.yaml": {Data: []byte(text)}, "sound.yaml": {Data: []byte(strings.Replace(province, "cn-xx-2026", "cn-yy-2026", 1))}})
			if len(faults) == 0 || !slices.ContainsFunc(faults, func(f error) bool {
				return strings.Contains(f.Error(), c.want) && strings.Contains(f.Error(), "broken.yaml")
			}) {
				t.Errorf("got %v\nwant one that says broken.yaml … %s", faults, c.want)
			}
			for _, f := range faults {
				if !errors.Is(f, casebook.ErrInvalid) && !errors.Is(f, casebook.ErrTooLarge) {
					t.Errorf("%v is no refusal", f)
				}
			}
			if _, err := l.Find("cn-xx-2026"); err == nil {
				t.Error("the bad pack was taken")
			}
			for _, id := range []string{"cn-yy-2026", "eu-dora"} {
				if _, err := l.Find(id); err != nil {
					t.Errorf("the bad pack stopped another one: %v", err)
				}
			}
		})
	}
}

func TestSitePack(t *testing.T) {
	l, faults := Load(fstest.MapFS{"ours.yaml": {Data: []byte(province)}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, err := l.Find("cn-xx-2026")
	if err != nil || len(p.Digest) != len("sha256:")+64 {
		t.Fatal(p, err)
	}
	if q, err := l.ByDigest(p.Digest); err != nil || q != p {
		t.Errorf("by its digest: got %v %v", q, err)
	}
	if _, err := l.ByDigest("sha256:00"); !errors.Is(err, casebook.ErrNotFound) {
		t.Errorf("an unknown digest: got %v", err)
	}
	a, err := l.Due(read(t, l, `{"party":{"roles":["hosting"]},"facts":{"controlled_addresses_unique_24h":5000},"events":{"detection":"2026-03-02T09:00:00+08:00","report.submitted":"2026-04-03T10:00:00+08:00"}}`),
		mustTime(t, "2026-04-03T12:00:00+08:00"), "cn-xx-2026")
	if got, want := fmt.Sprint(told(a.Duties)), "[report 2026-03-02T15:00:00+08:00 late follow_up 2026-04-13T23:59:59+08:00 open]"; err != nil || got != want {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}

// The digest is of what the pack says and not of how it is laid out.
func TestDigest(t *testing.T) {
	digest := func(text string) string {
		l, faults := Check(map[string][]byte{"ours.yaml": []byte(text)})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		p, err := l.Find("cn-xx-2026")
		if err != nil {
			t.Fatal(err)
		}
		return p.Digest
	}
	if digest(province) != digest("# a remark\n"+strings.Replace(province, "zone: Asia/Shanghai\ncalendar: cn\n", "calendar: 'cn'\nzone:   Asia/Shanghai\n", 1)) {
		t.Error("the same law laid out otherwise has another digest")
	}
	if digest(province) == digest(strings.Replace(province, "limit: 6h", "limit: 7h", 1)) {
		t.Error("another limit has the same digest")
	}
}

const confirmedThreshold = `overlay: cn-miit-2009-156
confirmed_by:
  - {who: "the bureau, letter 12/2026", on: "2026-06-01"}
grades:
  rules:
    - {id: serious_blank, when: controlled_addresses_unique_24h >= 100000, blank: "", confidence: confirmed}
    - {id: relatively_serious_blank, when: controlled_addresses_unique_24h >= 10000, blank: "", confidence: confirmed}
    - {id: general_blank, when: controlled_addresses_unique_24h >= 1, blank: "", confidence: confirmed}
stages:
  - id: level3_report
    limits: [{limit: 4h, confidence: confirmed, source: "the bureau, letter 12/2026"}]
examples:
  - {name: a hundred thousand, facts: {controlled_addresses_unique_24h: 100000}, grade: serious, reach: reached}
  - {name: one fewer, facts: {controlled_addresses_unique_24h: 99999}, grade: relatively_serious, reach: reached}
  - {name: ten thousand, facts: {controlled_addresses_unique_24h: 10000}, grade: relatively_serious, reach: reached}
  - {name: one fewer than that, facts: {controlled_addresses_unique_24h: 9999}, grade: general, reach: reached}
  - {name: one, facts: {controlled_addresses_unique_24h: 1}, grade: general, reach: reached}
  - {name: none, facts: {controlled_addresses_unique_24h: 0}, grade: none}
`

// An overlay fills blanks in from the day on which somebody confirmed them; a case
// that began before is judged by the pack of then.
func TestOverlay(t *testing.T) {
	l, faults := Load(fstest.MapFS{"letter.yaml": {Data: []byte(confirmedThreshold)}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	const text = `{"party":{"roles":["registrar"]},"facts":{"controlled_addresses_unique_24h":50000},"events":{"detection":"2026-%s-02T09:00:00+08:00"}}`
	for month, want := range map[string]string{
		"03": "[level2_report 2026-03-02T11:00:00+08:00 unset level3_report 2026-03-02T11:00:00+08:00 unset level4_monthly 2026-04-08T23:59:59+08:00 unset]",
		"07": "[level3_report 2026-07-02T13:00:00+08:00 open]",
	} {
		a, err := l.Due(read(t, l, fmt.Sprintf(text, month)), mustTime(t, "2026-"+month+"-02T10:00:00+08:00"), "cn-miit-2009-156")
		if got := fmt.Sprint(told(a.Duties)); err != nil || got != want {
			t.Errorf("%s: got %s %v, want %s", month, got, err, want)
		}
	}
	if n := len(l.packs["cn-miit-2009-156"]); n != 2 {
		t.Errorf("%d versions are kept, want 2", n)
	}
}

func TestOverlayNeedsAName(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{"confirmed_by:\n  - {who: \"the bureau, letter 12/2026\", on: \"2026-06-01\"}\n", "", "an overlay says who confirmed it and when"},
		{`on: "2026-06-01"`, `on: soon`, "line 2: confirmed_by: expected who, and on as a day"},
		{"overlay: cn-miit-2009-156", "overlay: cn-miit-2009-155", "it stands on cn-miit-2009-155, which isn't there"},
	} {
		text := strings.Replace(confirmedThreshold, c.old, c.now, 1)
		l, faults := Load(fstest.MapFS{"letter.yaml": {Data: []byte(text)}})
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), c.want) {
			t.Errorf("got %v, want %q", faults, c.want)
		}
		if len(l.packs["cn-miit-2009-156"]) != 1 {
			t.Error("the bad overlay touched the pack")
		}
	}
}

// A site's calendar takes the place of ours, and stops none of our packs.
func TestSiteCalendar(t *testing.T) {
	l, faults := Load(fstest.MapFS{"calendar/cn.yaml": {Data: []byte(`calendar: cn
version: "2026-11-05"
about: with 2027
sources: [a test]
from: 2025-01-01
until: 2027-12-31
weekend: [saturday, sunday]
days:
  - {off: 2027-01-01, name: New Year}
  - {off: 2027-01-04, name: from memory only, confidence: memory}
`)}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	c := l.calendars["cn"]
	for day, want := range map[string]bool{"2027-01-01": false, "2027-01-04": true} {
		d, _ := parseDay(day)
		if got, known := c.Working(d); got != want || !known {
			t.Errorf("%s: got %v %v, want %v", day, got, known, want)
		}
	}
	if len(l.IDs()) != len(Builtin().IDs()) {
		t.Errorf("%d regimes, want %d", len(l.IDs()), len(Builtin().IDs()))
	}
	for _, c := range []struct{ text, want string }{
		{"calendar: x\nversion: '1'\nsources: [a]\nfrom: 2026-01-01\nuntil: 2026-12-31\ndays:\n  - {off: 2027-01-01}\n", "no span of days within the calendar"},
		{"calendar: x\nversion: '1'\nsources: [a]\nfrom: 2026-01-01\nuntil: 2025-12-31\n", "expected calendar, version"},
		{"calendar: x\nversion: '1'\nsources: [a]\nfrom: 2026-01-01\nuntil: 2026-12-31\nweekend: [freitag]\n", "no day of the week"},
		{"calendar: x\nversion: '1'\nsources: [a]\nfrom: 2026-01-01\nuntil: 2026-12-31\ndays:\n  - {off: 2026-02-01}\n  - {work: 2026-02-01}\n", "is there twice"},
		{"calendar: x\nversion: '1'\ncolour: red\n", "line 3: unknown field"},
	} {
		if _, faults := Load(fstest.MapFS{"calendar/x.yaml": {Data: []byte(c.text)}}); len(faults) != 1 || !strings.Contains(faults[0].Error(), c.want) {
			t.Errorf("got %v, want %q", faults, c.want)
		}
	}
}

func TestCalendarEnds(t *testing.T) {
	p := pack(t, "cn-miit-2017-202")
	for at, want := range map[string]string{"2026-06-01T00:00:00Z": "", "2026-11-24T00:00:00Z": "covers", "2027-01-05T00:00:00Z": "expired"} {
		got, expired := p.CalendarEnds(mustTime(t, at))
		if (got == "") != (want == "") || !strings.Contains(got, want) || expired != (want == "expired") {
			t.Errorf("%s: got %q %v, want %q", at, got, expired, want)
		}
	}
	a := due(t, `{"party":{"roles":["authority"]},"events":{"receipt_of_appeal":"2026-12-20T10:00:00+08:00"}}`, "2026-12-21T00:00:00Z", "cn-miit-2017-202")
	if len(a.Remarks) != 1 || !strings.Contains(a.Remarks[0], "every day beyond it counts") {
		t.Errorf("an appeal that runs into a year without a decree: %q", a.Remarks)
	}
}

// TestPacksOfTheResearch looks whether each regime that facts were gathered of is
// there, and that what runs says what it rests on.
func TestPacksOfTheResearch(t *testing.T) {
	want := strings.Fields(`au-soci ch-isa ch-oid-15 cn-cac-2025 cn-miit-2009-156 cn-miit-2009-157 cn-miit-2011-mobile-malware cn-miit-2017-202
		cn-miit-2017-emergency-plan cn-nx-2009-156 cn-other-2025 de-bsig-32 eu-cra eu-digital-omnibus eu-dora eu-nis2 eu-nis2-2024-2690 hk-cap653 icann-raa-2024
		in-certin-2022 in-telecom-2024 jp-acd kr-icna pl-warning-list sg-csa-cii tw-pdpa-draft uk-nis us-circia us-sec-8k-105`)
	if got := Builtin().IDs(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, p := range Builtin().Packs() {
		if len(p.Stages) > 0 && p.RestsOn == "" {
			t.Errorf("%s doesn't say what its limits rest on", p.ID)
		}
		if len(p.Stages) > 0 && len(p.Examples) == 0 {
			t.Errorf("%s has no example", p.ID)
		}
		if len(p.Stages) == 0 && p.WhyNot == "" && p.GradesFor == "" {
			t.Errorf("%s runs nothing and doesn't say why", p.ID)
		}
		if strings.HasPrefix(p.ID, "cn-miit-2009") && p.Consequences.State != "none" {
			t.Errorf("%s: the instruments of 2009 carry no penalty", p.ID)
		}
	}
}

func TestPower(t *testing.T) {
	for _, c := range []struct{ name, at, act, by, against, want string }{
		{"an order under the measures of 2017", "2026-03-01T00:00:00Z", "order", "authority", "registrar", "cn-miit-2017-202 art. 8"},
		{"before they held", "2017-12-31T00:00:00Z", "order", "authority", "registrar", "no power in force on 2017-12-31 lets the role authority issue an order against the role registrar; cn-miit-2017-202 art. 8 (number from memory) has one from 2018-01-01"},
		{"a notice under the mechanism of 2009", "2016-03-01T00:00:00Z", "notice", "centre", "telecom_operator", "cn-miit-2009-157 art. 4"},
		{"a measure on a customer, on the date of the mechanism", "2016-03-01T00:00:00Z", "measure", "registrar", "registrant", "cn-miit-2009-157 art. 4"},
		{"that mechanism isn't there any more", "2019-03-01T00:00:00Z", "notice", "centre", "telecom_operator", "cn-miit-2017-202 art. 7"},
		{"the centre orders nobody", "2026-03-01T00:00:00Z", "order", "centre", "registrar", "no power in force on 2026-03-01 lets the role centre issue an order"},
		{"nobody orders a user", "2026-03-01T00:00:00Z", "order", "authority", "user", "no power in force"},
		{"the centre publishes on commission", "2026-03-01T00:00:00Z", "publication", "centre", "", "cn-miit-2009-156 art. 5"},
		{"and not before the measures of 2009", "2009-05-31T15:00:00Z", "publication", "centre", "", "from 2009-06-01"},
		{"an exemption known from memory", "2026-03-01T00:00:00Z", "exemption", "centre", "cii_operator", "au-soci Part 2B has one that rests on memory only, until somebody confirms it"},
		{"an act that isn't one", "2026-03-01T00:00:00Z", "ordre", "centre", "", "did you mean order?"},
		{"a role that isn't one", "2026-03-01T00:00:00Z", "order", "center", "", "did you mean centre?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Builtin().Power(mustTime(t, c.at), c.act, c.by, c.against)
			got := p.Regime + " " + p.Article
			if err != nil {
				got = err.Error()
				if !errors.Is(err, casebook.ErrForbidden) && !errors.Is(err, casebook.ErrInvalid) {
					t.Errorf("%v is no refusal", err)
				}
			} else if p.Form == "" || p.Pack == "" {
				t.Errorf("form %q, pack %q", p.Form, p.Pack)
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if _, err := Builtin().Power(mustTime(t, "2026-03-01T00:00:00Z"), "order", "authority", "registrar", "eu-nis2"); !errors.Is(err, casebook.ErrForbidden) {
		t.Errorf("in another regime: got %v", err)
	}
	if n := len(Builtin().Powers(mustTime(t, "2026-03-01T00:00:00Z"), "centre")); n < 3 {
		t.Errorf("the centre has %d powers, want three or more", n)
	}
}

// A power from memory only is no power.
func TestPowerFromMemory(t *testing.T) {
	text := strings.Replace(province, "consequences:", "powers:\n  - {id: o, act: order, by: [association], against: [user], article: art. 9, says: Order, form: written, confidence: memory}\nconsequences:", 1)
	l, faults := Load(fstest.MapFS{"ours.yaml": {Data: []byte(text)}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if _, err := l.Power(mustTime(t, "2026-03-01T00:00:00Z"), "order", "association", "user"); err == nil || !strings.Contains(err.Error(), "rests on memory only") {
		t.Errorf("got %v", err)
	}
}

func TestShadow(t *testing.T) {
	text := strings.Replace(province, "consequences: {state: none}", `consequences:
  state: draft
  from: "2027-01-01"
  schedule:
    - {id: late, for: late, amount: 1000, per_hour: 100, most: 5000, currency: CNY, article: draft art. 20}
    - {id: very_late, for: late, over: 2 days, amount: 20000, currency: CNY, article: draft art. 21}
    - {id: never, for: missed, stages: [report], amount: 50000, currency: CNY, article: draft art. 22}`, 1)
	l, faults := Load(fstest.MapFS{"ours.yaml": {Data: []byte(text)}})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	p, _ := l.Find("cn-xx-2026")
	dueAt := mustTime(t, "2026-03-02T15:00:00+08:00")
	duty := func(stage string, s casebook.DutyState, after time.Duration) casebook.Duty {
		return casebook.Duty{Regime: "cn-xx-2026", Stage: stage, State: s, Due: dueAt, MetAt: dueAt.Add(after)}
	}
	duties := []casebook.Duty{
		duty("report", casebook.Met, -time.Hour), duty("report", casebook.Late, time.Second), duty("report", casebook.Late, 7*time.Hour+30*time.Minute),
		duty("report", casebook.Late, 47*time.Hour), duty("report", casebook.Late, 80*time.Hour), {Regime: "cn-xx-2026", Stage: "report", State: casebook.Missed, Due: dueAt},
		{Regime: "cn-xx-2026", Stage: "follow_up", State: casebook.Missed, Due: dueAt}, {Regime: "eu-nis2", Stage: "final", State: casebook.Missed, Due: dueAt},
	}
	var got []string
	for _, c := range p.Charges(duties, mustTime(t, "2026-03-01T00:00:00Z"), mustTime(t, "2026-04-01T00:00:00Z"), mustTime(t, "2026-04-01T00:00:00Z")) {
		got = append(got, fmt.Sprintf("%s %d %s %v", c.Line, c.Amount, c.Currency, c.Shadow))
	}
	want := []string{"late 1000 CNY true", "late 1700 CNY true", "late 5000 CNY true", "very_late 20000 CNY true", "never 50000 CNY true"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if list := p.Charges(duties, mustTime(t, "2026-04-01T00:00:00Z"), mustTime(t, "2026-05-01T00:00:00Z"), dueAt); list != nil {
		t.Errorf("in another month: got %v", list)
	}
	if list := pack(t, "cn-miit-2009-156").Charges(duties, time.Time{}, mustTime(t, "2030-01-01T00:00:00Z"), dueAt); list != nil {
		t.Errorf("the instruments of 2009 carry no penalty: got %v", list)
	}
}
