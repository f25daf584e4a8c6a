package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tocsin/casebook"
	"tocsin/desk"
)

// A browser looks at a desk's pages as a person does. What it complains of, a
// content policy that was broken among it, is kept.
type browser struct {
	context.Context
	t    *testing.T
	base string

	mu         sync.Mutex
	complaints []string
}

// chromium finds Debian's browser, or one like it.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: the pages weren't looked at in a browser (Debian: apt-get install chromium)")
	return ""
}

func openBrowser(t *testing.T, d *desk.Desk) *browser {
	t.Helper()
	path := chromium(t)
	server := httptest.NewServer(New(d, Options{Version: "1.2.3", Loopback: true}))
	t.Cleanup(server.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1280, 900),
		chromedp.Flag("lang", "en"))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	b := &browser{Context: tab, t: t, base: server.URL}
	b.must(chromedp.Listen(tab, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch event := event.(type) {
		case *log.EventEntryAdded:
			b.complaints = append(b.complaints, fmt.Sprintf("%s: %s %s", event.Entry.Level, event.Entry.Text, event.Entry.URL))
		case *runtime.EventExceptionThrown:
			b.complaints = append(b.complaints, fmt.Sprintf("%s %s:%d", event.ExceptionDetails.Text, event.ExceptionDetails.URL, event.ExceptionDetails.LineNumber+1))
		}
	}))
	_, err := chromedp.Call(tab, log.Enable, cdp.Empty{})
	b.must(err)
	return b
}

func (b *browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// patience is how long tests wait for what must come, on a machine with a dozen other
// things to do.
const patience = 2 * time.Minute

// do runs steps.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	within, cancel := context.WithTimeout(b, patience)
	defer cancel()
	b.must(chromedp.Do(within, steps...))
}

// open goes to a page and waits until it is there, script and all.
func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base+path), chromedp.WaitReady("main"))
}

// find gives what an expression says in the page.
func find[T any](b *browser, expression string) T {
	b.t.Helper()
	within, cancel := context.WithTimeout(b, patience)
	defer cancel()
	v, err := chromedp.Run(within, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits until an expression holds in the page, or in the one to which it leads.
func (b *browser) until(expression string) {
	b.t.Helper()
	within, cancel := context.WithTimeout(b, patience)
	defer cancel()
	for {
		if holds, err := chromedp.Run(within, chromedp.Evaluate[bool](expression)); holds && err == nil {
			return
		}
		select {
		case <-within.Done():
			b.t.Fatalf("%s never held", expression)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// press sends keys to whatever has the focus.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, one := range keys {
		b.do(chromedp.KeyEvent(one))
	}
}

// tabTo goes forward by the tabulator until a control has the focus.
func (b *browser) tabTo(id string) {
	b.t.Helper()
	for range 80 {
		if find[string](b, `document.activeElement.id`) == id {
			return
		}
		b.press(kb.Tab)
	}
	b.t.Fatalf("the keyboard doesn't reach %s", id)
}

// quiet fails if the browser complained.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.complaints {
		b.t.Errorf("the browser says: %s", one)
	}
	b.complaints = nil
}

// picture keeps what is seen in the folder that TOCSIN_PICTURES names, if it does.
func (b *browser) picture(name string) {
	folder := os.Getenv("TOCSIN_PICTURES")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	b.must(err)
	b.must(os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644))
}

// TestPagesInBrowser: no page breaks the content policy, and none must be moved
// sideways on a telephone, in either language.
func TestPagesInBrowser(t *testing.T) {
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	seen := map[string]bool{}
	widths := []int64{390} // a telephone's
	if os.Getenv("TOCSIN_PICTURES") != "" {
		widths = append(widths, 1280)
	}
	for _, path := range pagesOf(t, busy.Desk) {
		kind := kindOf(path)
		if strings.HasPrefix(path, "/nothing") || seen[kind] || strings.Contains(path, "cursor=") {
			continue
		}
		seen[kind] = true
		for _, lang := range []string{"en", "zh"} {
			for _, width := range widths {
				b.do(chromedp.EmulateViewport(width, 900))
				separator := "?"
				if strings.Contains(path, "?") {
					separator = "&"
				}
				b.open(path + separator + "lang=" + lang)
				if wide := find[int64](b, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s in %s is %d wide on a screen of %d: %s", path, lang, wide, width, find[string](b, widest))
				}
				b.picture(fmt.Sprintf("%s-%s-%d", kind, lang, width))
			}
		}
	}
	if len(seen) < 9 {
		t.Errorf("only the pages %v were looked at", seen)
	}
	b.quiet()
}

// kindOf names the kind of page that is at an address: a list, or one of its things.
func kindOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	noun, one, ok := strings.Cut(strings.Trim(path, "/"), "/")
	switch {
	case noun == "":
		return "home"
	case ok && one == "new", noun == "incidents" && ok:
		return noun + "-" + one
	case ok:
		return noun + "-one"
	}
	return noun
}

// widest names what stands out of the page.
const widest = `[...document.querySelectorAll("main *, header *, footer *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll")).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ")`

// TestPolicyInBrowser: the browser itself refuses what the policy forbids.
func TestPolicyInBrowser(t *testing.T) {
	b := openBrowser(t, openDesk(t, desk.Config{}))
	b.open("/")
	find[bool](b, `(() => { const s = document.createElement("script"); s.textContent = "window.wasObeyed = true"; document.body.append(s);
		document.body.setAttribute("style", "color: red"); return true })()`)
	if find[bool](b, `window.wasObeyed === true || getComputedStyle(document.body).color === "rgb(255, 0, 0)"`) {
		t.Error("an inline script or style was obeyed")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.complaints) < 2 {
		t.Errorf("the browser says only %q", b.complaints)
	}
}

// TestCountdown: the time left runs on, by the platform's clock, without moving
// anything.
func TestCountdown(t *testing.T) {
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	b.open("/duties?lang=en")
	// The platform's clock stands months before the browser's.
	first := find[string](b, `[...document.querySelectorAll(".duty-open .left")].map(e => e.textContent).join()`)
	if !strings.Contains(first, "3 h 59 min left") && !strings.Contains(first, "4 h 00 min left") {
		t.Errorf("got %q", first)
	}
	b.open("/?lang=en")
	const passed = `document.querySelector(".duty-missed .left")`
	before := find[string](b, passed+`.textContent`)
	place := find[string](b, `JSON.stringify(document.querySelector("h1, h2").getBoundingClientRect()) + document.body.scrollHeight`)
	// An hour and some seconds over has minutes only; what runs in seconds is there too.
	find[bool](b, `(() => { const e = `+passed+`; e.dataset.due = new Date(Date.parse(document.body.dataset.now) - 65e3).toISOString(); return true })()`)
	b.until(passed + `.textContent !== ` + fmt.Sprintf("%q", before))
	b.until(passed + `.textContent.startsWith("1 min ")`)
	second := find[string](b, passed+`.textContent`)
	b.until(passed + `.textContent !== ` + fmt.Sprintf("%q", second))
	if after := find[string](b, `JSON.stringify(document.querySelector("h1, h2").getBoundingClientRect()) + document.body.scrollHeight`); after != place {
		t.Errorf("the page moved: %s, then %s", place, after)
	}
	b.quiet()
}

// TestLive: what is new comes in by itself and the focus stays; a person can pause it,
// and is told when the platform is gone.
func TestLive(t *testing.T) {
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	b.open("/incidents?lang=en")
	find[bool](b, `(document.querySelector("#list a").focus(), true)`)
	held := find[string](b, `document.activeElement.getAttribute("href")`)
	const look = `(document.dispatchEvent(new Event("visibilitychange")), true)`
	if _, err := busy.OpenIncident(t.Context(), alice, desk.Opening{Title: "Second call", Category: casebook.DDoSIncident}); err != nil {
		t.Fatal(err)
	}
	find[bool](b, look)
	b.until(`document.querySelector("#list").textContent.includes("Second call")`)
	if got := find[string](b, `document.activeElement.getAttribute("href")`); got != held {
		t.Errorf("the focus went from %q to %q", held, got)
	}
	b.do(chromedp.Click("#pause"))
	if _, err := busy.OpenIncident(t.Context(), alice, desk.Opening{Title: "Third call"}); err != nil {
		t.Fatal(err)
	}
	find[bool](b, look)
	b.open("/duties?lang=en")
	if !find[bool](b, `document.getElementById("pause").getAttribute("aria-pressed") === "true"`) {
		t.Error("the pause isn't kept from page to page")
	}
	b.do(chromedp.Click("#pause"))
	b.quiet()
	find[bool](b, `(window.fetch = () => Promise.reject(new Error("gone")), `+look+`)`)
	b.until(`!document.getElementById("stale").hidden`)
}

// TestByKeyboard: an incident is opened from a phone call, confirmed further and
// noted, without a pointer.
func TestByKeyboard(t *testing.T) {
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	b.open("/incidents/new?lang=en")
	b.press(kb.Tab)
	if got := find[string](b, `document.activeElement.className`); got != "skip" {
		t.Errorf("the first stop is %q, want the way to the content", got)
	}
	b.press(kb.Enter, kb.Tab)
	if !find[bool](b, `document.activeElement.closest("main") !== null`) {
		t.Error("the way to the content leads elsewhere")
	}
	b.tabTo("open-as")
	b.press("Wang Min")
	b.tabTo("open-title")
	b.press("Caller counts bots")
	b.tabTo("open-fact-controlled_addresses_unique_24h")
	b.press("1,000,000", kb.Enter)
	b.until(`document.querySelector(".done") !== null`)
	if got := find[string](b, `document.querySelector("h1").textContent`); !strings.Contains(got, "Caller counts bots") {
		t.Errorf("got the page %q", got)
	}
	if got := find[string](b, `document.querySelector(".duty-open .title").textContent`); !strings.Contains(got, "extremely serious") {
		t.Errorf("got the duty %q", got)
	}
	// The name is remembered, the section unfolds by the keyboard.
	for range 80 {
		if find[string](b, `document.activeElement.tagName + document.activeElement.parentElement.id`) == "SUMMARYnote" {
			break
		}
		b.press(kb.Tab)
	}
	b.press(kb.Enter)
	b.tabTo("note-text")
	b.press("by keyboard alone")
	if got := find[string](b, `document.getElementById("note-as").value`); got != "Wang Min" {
		t.Errorf("the name is %q", got)
	}
	b.tabTo("note-source")
	b.press(kb.Enter)
	b.until(`document.querySelector("#log")?.textContent.includes("by keyboard alone")`)
	b.quiet()
}

// TestWithoutScript: each page is whole without our script, and its forms work.
func TestWithoutScript(t *testing.T) {
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	_, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err)
	b.open("/incidents/new?lang=en")
	b.do(chromedp.SendKeys("#open-as", "alice"), chromedp.SendKeys("#open-title", "No script here"+kb.Enter))
	title, err := chromedp.Run(b, chromedp.TextContent("h1"))
	b.must(err)
	for !strings.Contains(title, "No script here") && b.Err() == nil {
		title, err = chromedp.Run(b, chromedp.TextContent("h1"))
		b.must(err)
	}
	pause, err := chromedp.Run(b, chromedp.AttributeValue("#pause", "hidden"))
	b.must(err)
	if !pause.Exists {
		t.Error("a button is shown that does nothing without the script")
	}
}

// TestKeys: letters move through the lists and between the pages, not while one types,
// and not when they were switched off.
func TestKeys(t *testing.T) {
	busy := busy(t)
	b := openBrowser(t, busy.Desk)
	b.open("/incidents?lang=en")
	const row = `[...document.querySelectorAll("#list tbody tr")].findIndex(r => r.contains(document.activeElement))`
	for _, step := range []struct {
		key  string
		want int64
	}{{"j", 0}, {"j", 1}, {"k", 0}, {"k", 0}} {
		b.press(step.key)
		if got := find[int64](b, row); got != step.want {
			t.Errorf("after %s the focus is on row %d, want %d", step.key, got, step.want)
		}
	}
	opened := find[string](b, `document.activeElement.pathname`)
	b.press(kb.Enter)
	b.until(`document.readyState === "complete" && location.pathname === "` + opened + `"`)
	b.press("g", "d")
	b.until(`document.readyState === "complete" && location.pathname === "/duties"`)
	b.press("?")
	b.until(`document.getElementById("shortcuts").open`)
	b.press(kb.Escape)
	b.until(`!document.getElementById("shortcuts").open`)
	b.open("/incidents/new?lang=en")
	b.tabTo("open-title")
	b.press("g", "d", "?")
	if got := find[string](b, `location.pathname + document.activeElement.value`); got != "/incidents/newgd?" {
		t.Errorf("typing gives %q", got)
	}
	b.open("/incidents?lang=en")
	b.press("?")
	b.until(`document.getElementById("shortcuts").open`)
	b.tabTo("letters")
	b.press(" ", kb.Escape)
	b.open("/incidents?lang=en")
	b.press("j")
	if got := find[int64](b, row); got != -1 {
		t.Errorf("switched off, a letter moves to row %d", got)
	}
	b.quiet()
}
