package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tocsin/access"
	"tocsin/casebook"
)

// TestPapersInBrowser: the pages of reports, orders and links break no policy, and none
// must be moved sideways on a telephone, in either language.
func TestPapersInBrowser(t *testing.T) {
	p := filed(t)
	_, link := p.linkTo(t)
	b := openBrowser(t, p.Desk)
	b.do(chromedp.EmulateViewport(390, 900))
	looked := 0
	for _, path := range append(pagesOf(t, p.Desk), "/orders/new?incident="+p.incident+"&party="+p.party, link) {
		if !strings.HasPrefix(path, "/reports") && !strings.HasPrefix(path, "/orders") && !strings.HasPrefix(path, "/answer") && !strings.HasPrefix(path, "/incidents/inc") {
			continue
		}
		looked++
		for _, lang := range []string{"en", "zh"} {
			separator := "?"
			if strings.Contains(path, "?") {
				separator = "&"
			}
			b.open(path + separator + "lang=" + lang)
			if wide := find[int64](b, `document.documentElement.scrollWidth`); wide > 390 {
				t.Errorf("%s in %s is %d wide on a screen of 390: %s", path, lang, wide, find[string](b, widest))
			}
		}
	}
	if looked < 12 {
		t.Errorf("only %d pages were looked at", looked)
	}
	b.quiet()
}

// TestAxeOfPapers: axe-core finds nothing on the pages of reports, orders and links, nor
// on a form that was refused.
func TestAxeOfPapers(t *testing.T) {
	script := axe(t)
	p := filed(t)
	_, link := p.linkTo(t)
	b := openBrowser(t, p.Desk)
	for _, path := range append(pagesOf(t, p.Desk), "/orders/new?incident="+p.incident+"&party="+p.party, link) {
		if !strings.HasPrefix(path, "/reports") && !strings.HasPrefix(path, "/orders") && !strings.HasPrefix(path, "/answer") && !strings.HasPrefix(path, "/incidents/inc") && !strings.HasPrefix(path, "/duties/") {
			continue
		}
		b.open(path)
		// Everything that can be unfolded is looked at too.
		find[bool](b, `([...document.querySelectorAll("details")].forEach(d => { d.open = true }), true)`)
		if found := b.violations(script); found != "" {
			t.Errorf("%s:\n%s", path, found)
		}
	}
	b.open(link)
	find[bool](b, `(document.getElementById("answer-answer-1").value = "needs_longer", document.getElementById("answer-as").value = "Zhao", true)`)
	b.do(chromedp.SendKeys("#answer-as", kb.Enter))
	b.until(`document.querySelector("#answer-until-1-fault") !== null`)
	if found := b.violations(script); found != "" {
		t.Errorf("refused:\n%s", found)
	}
}

// signIn signs somebody in through the page, and leaves whoever was there before.
func (b *browser) signIn(name string) {
	b.t.Helper()
	if find[bool](b, `document.querySelector("form.out button") !== null`) {
		b.do(chromedp.Click("form.out button"))
		b.until(`location.pathname === "/signin"`)
	}
	b.open("/signin?lang=en")
	b.do(chromedp.SendKeys("#name", name), chromedp.SendKeys("#password", goodPassword+kb.Enter))
	b.until(`location.pathname === "/"`)
}

// tabToButton goes forward by the tabulator until a button of a form has the focus.
func (b *browser) tabToButton(form string) {
	b.t.Helper()
	for range 160 {
		if find[bool](b, fmt.Sprintf(`document.activeElement.type === "submit" && document.activeElement.closest(%q) !== null`, form)) {
			return
		}
		b.press(kb.Tab)
	}
	b.t.Fatalf("the keyboard doesn't reach the button of %s", form)
}

// TestActsInBrowser: an officer drafts and files a report and drafts an order; a
// supervisor approves and serves it; the operator answers by the link that came with it,
// without an account, in Chinese and by the keyboard alone.
func TestActsInBrowser(t *testing.T) {
	p := ordering(t)
	ctx := t.Context()
	local := New(p.Desk, Options{Trusted: true})
	for _, role := range []string{access.Administrator, access.Officer, access.Supervisor} {
		post[user](t, local, "/api/v1/users", fmt.Sprintf(`{"name":%q,"password":%q,"roles":[%[1]q]}`, role, goodPassword), 201)
	}
	mail := make(chan string, 4)
	hook := hookServer(t, func(body string) { mail <- body })
	if err := p.KeepContact(ctx, wang, parsed(t, casebook.PartyPrefix, p.party), "orders", hook, false); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t, p.Desk)
	b.open("/signin")
	b.signIn(access.Officer)

	// The report, by the keyboard.
	b.open("/incidents/" + p.incident)
	const first = `document.querySelector("form[action$='/draft']")`
	if find[bool](b, first+`.querySelector("[name=as]") !== null`) {
		t.Error("who is signed in is asked for a name")
	}
	b.tabToButton("form[action$='/draft']")
	b.press(kb.Enter)
	b.until(`location.pathname.startsWith("/reports/") && document.querySelector(".done") !== null`)
	for range 90 {
		if find[string](b, `document.activeElement.id`) == "write-field-phone" {
			break
		}
		b.press(kb.Tab)
	}
	b.press("+86-10-6600-0000")
	for _, id := range find[[]string](b, `[...document.querySelectorAll("#write textarea[aria-required]")].filter(e => e.value === "").map(e => e.id)`) {
		if id != "write-field-phone" {
			b.do(chromedp.SendKeys("#"+id, "not yet known"))
		}
	}
	b.tabToButton("#write")
	b.press(kb.Enter)
	b.until(`document.querySelector(".done")?.textContent === "Saved."`)
	b.tabToButton("#file")
	b.press(kb.Enter)
	b.until(`document.querySelector("#version-1") !== null`)
	if got := find[string](b, `document.querySelector("h1").textContent`); !strings.Contains(got, "filed") {
		t.Errorf("got %q", got)
	}

	// The order.
	b.open("/orders/new?incident=" + p.incident + "&party=" + p.party)
	b.do(chromedp.Click(`input[name="finding"]`), chromedp.SendKeys("#order-limit", kb.Enter))
	b.until(`location.pathname.startsWith("/orders/ord_")`)
	order := find[string](b, `location.pathname`)
	if find[bool](b, `document.querySelector("#approve") !== null`) {
		t.Error("an officer is offered to approve")
	}
	b.signIn(access.Supervisor)
	b.open(order)
	b.do(chromedp.Click("#approve button"))
	b.until(`document.querySelector("#serve button") !== null`)
	b.do(chromedp.Click("#serve button"))
	b.until(`document.querySelector(".done")?.textContent.startsWith("On its way")`)
	if err := p.SendOnce(ctx, p.Now()); err != nil {
		t.Fatal(err)
	}
	var link []string
	for link == nil {
		select {
		case body := <-mail:
			link = answerLink.FindStringSubmatch(body)
		case <-time.After(patience):
			t.Fatal("no message with a link came")
		}
	}
	b.do(chromedp.Click("form.out button"))
	b.until(`location.pathname === "/signin"`)
	b.quiet()

	// The answer: without an account, in Chinese, by the keyboard alone.
	b.open(link[1] + "?lang=zh")
	if got := find[int64](b, `document.querySelectorAll(".answers tbody tr").length`); got != 1 {
		t.Errorf("%d rows, want the one that was left marked", got)
	}
	b.tabTo("answer-answer-1")
	b.press("已完成")
	b.tabTo("answer-note-1")
	b.press("已清除")
	b.tabTo("answer-as")
	b.press("赵磊", kb.Enter)
	b.until(`document.querySelector(".done")?.textContent.includes("已收到")`)
	if got := find[string](b, `document.querySelector("main").textContent`); !strings.Contains(got, "反馈人：赵磊") || !strings.Contains(got, "已清除") || !strings.Contains(got, "anc_") {
		t.Errorf("the page tells no receipt:\n%s", got)
	}
	b.quiet()
	b.signIn(access.Officer)
	b.open(order + "?lang=en")
	if got := find[string](b, `document.querySelector(".answers").textContent`); !strings.Contains(got, "done") {
		t.Errorf("the officer sees no answer:\n%s", got)
	}
	b.quiet()
}
