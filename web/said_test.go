package web

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/report"
)

// lawTexts gives every text of the program's own Chinese law packs that a page
// shows, each once, in the order of the packs.
func lawTexts() []string {
	var all []string
	say := func(texts ...string) {
		for _, text := range texts {
			if text != "" && !slices.Contains(all, text) {
				all = append(all, text)
			}
		}
	}
	for _, p := range regime.Builtin().Packs() {
		if !strings.HasPrefix(p.ID, "cn-") {
			continue
		}
		say(p.RestsOn, p.WhyNot, p.InForce.Note, p.Who.Article, p.Who.Note, p.Grades.Note, p.Consequences.Note)
		say(p.Notes...)
		say(p.Known...)
		for _, s := range p.Stages {
			say(s.Name, s.Article, s.RestsOn)
			for _, l := range s.Limits {
				say(l.Blank, l.Source)
			}
			for _, id := range slices.Concat(s.To.AllOf, s.To.AnyOf, s.CopyTo) {
				say(p.Recipients[id].Name)
			}
		}
		for _, r := range p.Grades.Rules {
			say(r.Says, r.Article, r.Blank, r.Source)
		}
		for _, w := range p.Powers {
			say(w.Says, w.Form, w.Article, w.Appeal)
		}
		for _, e := range p.Examples {
			say(e.Name)
		}
	}
	return all
}

// half is what stays where only a part was said: two plain English words in a row.
var half = regexp.MustCompile(`[a-z]{3,} [a-z]{3,}`)

// TestSaid: Chinese says everything of the Chinese laws, and in their words, not in
// those of a text that has changed since.
func TestSaid(t *testing.T) {
	s := report.Said(report.Chinese)
	texts := lawTexts()
	if len(texts) < 200 {
		t.Fatalf("only %d texts: the test looks at nothing", len(texts))
	}
	for _, text := range texts {
		if to, ok := s.Find(text); !ok || !strings.ContainsFunc(to, isHan) || half.MatchString(to) {
			t.Errorf("said.zh.txt doesn't say %q, only %q", text, to)
		}
	}
	// What stations write, each with its parts.
	for text, want := range map[string]string{
		"art. 4(1)": "第四条第一款", "arts 5-6 (numbers from memory)": "第五至六条（条号凭记忆）", "arts 11 ff. (not read)": "第十一条以下（未读到原文）", "art. 25": "第二十五条", "art. 40": "第四十条",
		"due and not filed": "到期未报送",
		"the grade changed from relatively serious to serious":                                                                     "级别由较大改为重大",
		"a person must say whether it is serious (not known: users_offline, x); nobody has confirmed it yet":                       "须由人员判断是否属于“重大”（未知：users_offline, x）；尚无人确认",
		"a person must say whether it is serious, which the figures reach":                                                         "数据已达到“重大”的标准，须由人员决定是否定为该级",
		"incident inc_1 is with alice: ask for it, or take it once it is released":                                                 "事件 inc_1 现由 alice 负责：请向其索取，或待其放回后接手",
		"incident inc_1 is void: there is nothing to confirm":                                                                      "事件 inc_1 的状态为“已排除”：没有可确认的内容",
		"the ministry's bureau (MIIT 通信保障局) must say which incidents are general; the ministry's bureau must confirm which holds":  "须由工业和信息化部通信保障局明确：哪些属于一般事件；须由通信保障局确认以哪一说为准",
		"after a law firm's letter of 2009 (2 hours); four hours are said from memory; the shorter runs until the bureau confirms": "依据 2009 年律师事务所通讯（2 小时）；另有凭记忆的 4 小时之说；通信保障局确认之前按较短者执行",
		"resent by * with a star": "由 ＊ with a star 重新发送",
	} {
		if got, ok := s.Find(text); got != want || !ok {
			t.Errorf("%q: got %q %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"something that nobody ever said", "due and not filed; something that nobody ever said", strings.Repeat("x; ", 100_000)} {
		if got, ok := s.Find(text); got != text || ok {
			t.Errorf("%.80q: got %.80q %v, want it as it is", text, got, ok)
		}
	}
}

// TestSaidOfLaws: no saying of a law is left over when its text has changed. Those of
// stations come before the laws.
func TestSaidOfLaws(t *testing.T) {
	text, err := os.ReadFile("../report/said.zh.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, laws, ok := strings.Cut(string(text), "\n# cn-cac-2025")
	if !ok {
		t.Fatal("the part of the laws isn't found")
	}
	texts := append(lawTexts(), "a person must say which grade it has; no fact that decides it is known")
	for line := range strings.SplitSeq(laws, "\n") {
		if line == "" || strings.HasPrefix(line, " ") || strings.Contains(line, "#") && !slices.Contains(texts, line) || strings.HasPrefix(line, " cn-") {
			continue
		}
		if !slices.Contains(texts, line) {
			t.Errorf("said.zh.txt says %q, which no Chinese law pack has", line)
		}
	}
}

func TestReadSaid(t *testing.T) {
	for name, text := range map[string]string{
		"a text that isn't said":       "one\n",
		"a saying of nothing":          "  one\n",
		"two texts and one saying":     "one\ntwo\n  zwei\n",
		"a text twice":                 "one\n  eins\none\n  uno\n",
		"a part that gets lost":        "one * two\n  eins\n",
		"a saying with too many parts": "one\n  eins *\n",
	} {
		if _, err := report.ReadSayings(text); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestMarked: what is in another language than the page is marked as such.
func TestMarked(t *testing.T) {
	all := openLanguages()
	en, zh := all[0], all[1]
	for _, c := range []struct {
		l          *language
		text, want string
	}{
		{en, "MIIT 通信保障局, and <b>", `MIIT <span lang="zh">通信保障局</span>, and &lt;b&gt;`},
		{en, "工信部保[2009]156号", `<span lang="zh">工信部保</span>[2009]156<span lang="zh">号</span>`},
		{en, "（甲）", `（<span lang="zh">甲）</span>`},
		{en, "facts: users_offline", "facts: Users offline"},
		{en, "no_such_fact", "no_such_fact"},
		{zh, "due and not filed", "到期未报送"},
		{zh, "an unknown <sentence>", `<span lang="en">an unknown &lt;sentence&gt;</span>`},
		{zh, "NX 甲", "NX 甲"},
		{zh, "42", "42"},
		{zh, "", ""},
	} {
		if got := string(c.l.tr(c.text)); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.l.tag, c.text, got, c.want)
		}
	}
}

func TestLawWords(t *testing.T) {
	all := openLanguages()
	en, zh := all[0], all[1]
	for text, want := range map[string][2]string{"2h": {"2 h", "2 小时内"}, "30 min": {"30 min", "30 分钟内"}, "5 working days": {"5 working days", "5 个工作日内"},
		"at once": {"at once", "立即"}, "1 month": {"1 month", "1 个月内"}, "14 days": {"14 days", "14 日内"}, "as ordered": {"as ordered", "按通知要求"}, "by and by": {"by and by", "by and by"}} {
		if got, err := en.limit(text); got != want[0] || err != nil {
			t.Errorf("%s: got %q %v, want %q", text, got, err, want[0])
		}
		if got, err := zh.limit(text); got != want[1] || err != nil {
			t.Errorf("%s: got %q %v, want %q", text, got, err, want[1])
		}
	}
	for _, c := range []struct {
		v    casebook.Value
		want string
	}{{casebook.NumberValue(1200000), "1,200,000"}, {casebook.IntervalValue(casebook.Interval{Low: 1000, Point: 1500, High: 2000}), "1,500 (1,000–2,000)"},
		{casebook.YesNoValue(true), "是"}, {casebook.YesNoValue(false), "否"}, {casebook.WordValue("province"), "省级"}, {casebook.Value{}, "未知"}} {
		if got, err := zh.fact(c.v); got != c.want || err != nil {
			t.Errorf("%v: got %q %v, want %q", c.v, got, err, c.want)
		}
	}
	for by, want := range map[string]string{"person:王敏": "王敏", "rule:watch": "时限监视", "machine:loopback": "本机", "machine:sensor-7": "sensor-7", "": ""} {
		if got := zh.actor(by); got != want {
			t.Errorf("%q: got %q, want %q", by, got, want)
		}
	}
}
