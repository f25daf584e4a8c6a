package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
)

// newOffice is a desk with an administrator, a delivery with bad rows, a table of
// holdings, and a call that was given up because the pager is gone.
func newOffice(t *testing.T) *desk.Desk {
	t.Helper()
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	t.Cleanup(gone.Close)
	d := openDesk(t, desk.Config{Contacts: []string{gone.URL}})
	load(t, d, "shadowserver", sinkholeName, sinkhole)
	load(t, d, "c2-tracker", "c2.csv", "observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Family,192.0.2.7,c0ffee\n2026-03-14T10:00:00Z,Family,192.0.2.300,c0ffee\n")
	importTable(t, d, "registry", "cidr,asn,holder,region,party\n192.0.2.0/24,64500,Example Net,CN-11,North Access\n", d.Now())
	ctx := t.Context()
	if _, err := d.KeepParty(ctx, alice, casebook.Party{Name: "North Access", Roles: []string{"telecom_operator"}, Region: "CN-11", Own: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.OpenIncident(ctx, alice, desk.Opening{Category: casebook.BotnetIncident, Title: "Botnet found", Facts: casebook.Facts{"controlled_addresses_unique_24h": casebook.NumberValue(1_200_000)}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // first the line for whoever is on duty, then its own
		if err := d.SendOnce(ctx, d.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.AddUser(ctx, alice, desk.NewUser{Name: "qian", Password: goodPassword, Roles: []string{access.Administrator}}); err != nil {
		t.Fatal(err)
	}
	return d
}

// fill writes into a field by its identifier.
func (b *browser) fill(id, text string) {
	b.t.Helper()
	b.do(chromedp.SendKeys("#"+id, text))
}

// click presses what a selector names, and waits for the page to which that leads.
func (b *browser) click(selector string) {
	b.t.Helper()
	find[bool](b, `(window.left = true)`)
	b.do(chromedp.Click(selector))
	b.until(`window.left !== true && document.readyState === "complete"`)
}

// says fails unless the page has a text.
func (b *browser) says(what, text string) {
	b.t.Helper()
	if got := find[string](b, `document.querySelector("main").innerText`); !strings.Contains(got, text) {
		b.t.Errorf("%s: no %q in\n%s", what, text, got)
	}
}

// pictures keeps what is seen at two widths, by day and by night, if anybody wants it,
// and looks whether it must be moved sideways.
func (b *browser) pictures(name string) {
	b.t.Helper()
	for _, width := range []int64{400, 1280} {
		b.do(chromedp.EmulateViewport(width, 900))
		if wide := find[int64](b, `document.documentElement.scrollWidth`); wide > width {
			b.t.Errorf("%s is %d wide on a screen of %d: %s", name, wide, width, find[string](b, widest))
		}
		if os.Getenv("TOCSIN_PICTURES") == "" {
			continue
		}
		for _, scheme := range []string{"light", "dark"} {
			_, err := chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			b.must(err)
			b.picture(fmt.Sprintf("%s-%d-%s", name, width, scheme))
		}
	}
}

// TestAdministrator: in each language the administrator adds a party with its contact, a
// person and a key, looks at the feeds, sends again what was given up, and audits.
func TestAdministrator(t *testing.T) {
	d := newOffice(t)
	b := openBrowser(t, d)
	b.open("/signin?lang=en")
	b.fill("name", "qian")
	b.fill("password", goodPassword)
	b.click("form.door button")
	for _, c := range []struct{ lang, kept, contact, link, secret, resent, feeds, sound string }{
		{"en", "is kept", "The contact is on file", "has a link", "shown this once", "put back", "192.0.2.300", "Nothing is altered"},
		{"zh", "已登记", "联系方式已登记", "的链接已生成", "只显示这一次", "已重新放入队列", "192.0.2.300", "没有被改动"},
	} {
		b.open("/parties?lang=" + c.lang)
		name := "Harbour " + c.lang
		b.fill("party-name", name)
		b.fill("party-region", "CN-31")
		b.do(chromedp.Click("#party-role-hosting"))
		b.pictures("parties-" + c.lang)
		b.click("form.page button.primary")
		b.says(c.lang, c.kept)
		one := find[string](b, fmt.Sprintf(`[...document.querySelectorAll("tbody th a")].find(a => a.textContent === %q).getAttribute("href")`, name))
		b.open(one)
		b.fill("contact-target", "noc@harbour.example")
		b.click(`form[action$="/contacts#contact"] button`)
		b.says(c.lang, c.contact)
		b.says(c.lang, "noc@harbour.example")
		b.pictures("party-" + c.lang)

		b.open("/people")
		b.fill("user-name", "chen-"+c.lang)
		b.do(chromedp.Click("#user-role-officer"))
		b.click("form.page button.primary")
		b.says(c.lang, c.link)
		if link := find[string](b, `document.getElementById("once").value`); !strings.HasPrefix(link, b.base+"/join?token=tci_") {
			t.Errorf("got the link %q", link)
		}
		b.pictures("people-" + c.lang)
		b.click("tbody th a")
		b.pictures("person-" + c.lang)

		b.open("/keys")
		b.fill("key-name", "sensor-"+c.lang)
		b.do(chromedp.Click("#key-scope-deliver"))
		b.click("form.page button.primary")
		b.says(c.lang, c.secret)
		b.pictures("keys-" + c.lang)

		b.open("/feeds")
		b.says(c.lang, c.feeds)
		b.pictures("feeds-" + c.lang)
		for _, path := range []string{"/deliveries", "/holdings?asset=192.0.2.7", "/scorecards", "/account"} {
			b.open(path)
			b.pictures(strings.Trim(kindOf(path), "/") + "-" + c.lang)
		}

		b.open("/outbox?state=dead")
		b.pictures("outbox-" + c.lang)
		b.click(".line-dead .title a")
		b.do(chromedp.SendKeys(`input[name="reason"]`, "the pager is replaced"))
		b.pictures("outbox-one-" + c.lang)
		b.click(`form[action$="/resend"] button`)
		b.says(c.lang, c.resent)
		if err := d.SendOnce(t.Context(), d.Now()); err != nil { // given up again, for the other language
			t.Fatal(err)
		}

		b.open("/ledger")
		b.click(`form[action^="/ledger/audit"] button`)
		b.until(`(location.hash = "", document.querySelector("main").innerText.includes(` + fmt.Sprintf("%q", c.sound) + `)) || (setTimeout(() => location.reload(), 200), false)`)
		b.pictures("ledger-" + c.lang)
	}
	b.quiet()
}
