package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A viewer looks at the demonstration with Debian's browser. What it complains of, a
// content policy that was broken among it, is kept.
type viewer struct {
	context.Context
	t    *testing.T
	base string

	mu         sync.Mutex
	complaints []string
}

func openViewer(t *testing.T, base string) *viewer {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no Chromium here: the demonstration wasn't looked at in a browser (Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.WindowSize(1440, 900),
		chromedp.Flag("lang", "en"))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, leave := chromedp.NewContext(allocator)
	t.Cleanup(leave)
	v := &viewer{Context: tab, t: t, base: base}
	v.must(chromedp.Listen(tab, func(event any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch event := event.(type) {
		case *log.EventEntryAdded:
			v.complaints = append(v.complaints, fmt.Sprintf("%s: %s %s", event.Entry.Level, event.Entry.Text, event.Entry.URL))
		case *runtime.EventExceptionThrown:
			v.complaints = append(v.complaints, event.ExceptionDetails.Text)
		}
	}))
	_, err = chromedp.Call(tab, log.Enable, cdp.Empty{})
	v.must(err)
	return v
}

func (v *viewer) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// longEnough is how long the test waits for what must come, on a machine with a dozen
// other things to do.
const longEnough = 2 * time.Minute

// do runs steps.
func (v *viewer) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	within, cancel := context.WithTimeout(v, longEnough)
	defer cancel()
	v.must(chromedp.Do(within, steps...))
}

// open goes to a page and waits until it is there, script and all.
func (v *viewer) open(path string) {
	v.t.Helper()
	v.do(chromedp.Navigate(v.base+path), chromedp.WaitReady("main"))
}

// says gives the text of what a selector finds first; "" for nothing.
func (v *viewer) says(selector string) string {
	v.t.Helper()
	within, cancel := context.WithTimeout(v, longEnough)
	defer cancel()
	text, err := chromedp.Run(within, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector)))
	v.must(err)
	return text
}

// until waits until the page says something, which it does by itself: it is never
// loaded anew.
func (v *viewer) until(selector, text string) {
	v.t.Helper()
	within, cancel := context.WithTimeout(v, longEnough)
	defer cancel()
	for {
		said, err := chromedp.Run(within, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector)))
		if err == nil && strings.Contains(said, text) {
			return
		}
		select {
		case <-within.Done():
			v.t.Fatalf("%s never said %q, but %q", selector, text, said)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// leaves waits until the page says something else.
func (v *viewer) leaves(selector, text string) {
	v.t.Helper()
	for begun := time.Now(); ; {
		// A page that is being loaded says nothing.
		if said := v.says(selector); said != "" && said != text {
			return
		}
		if time.Since(begun) > longEnough {
			v.t.Fatalf("%s says %q for ever", selector, text)
		}
		select {
		case <-v.Done():
			v.t.Fatal(v.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// press clicks, and waits for the page to which it leads.
func (v *viewer) press(selector string) {
	v.t.Helper()
	v.do(chromedp.Click(selector), chromedp.WaitReady("main"))
}

// picture keeps what is seen in the folder that TOCSIN_PICTURES names, if it does.
func (v *viewer) picture(name string) {
	folder := os.Getenv("TOCSIN_PICTURES")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(v, chromedp.CaptureScreenshot())
	v.must(err)
	v.must(os.WriteFile(filepath.Join(folder, "demo-"+name+".png"), png, 0o644))
}

// TestViewer: the first page is there at once, follows the story by itself, and seats the
// viewer at the desk of whose act comes next; what they do there the story doesn't do
// again.
func TestViewer(t *testing.T) {
	n := openCountry(t, 1)
	v := openViewer(t, n.base)
	v.open("/demo")
	if said := v.says("#guide-title"); said != "The country is being set up" {
		t.Errorf("the first page says %q", said)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	defer func() { stop(); <-ended }()
	v.until(".guide-where", "playing")
	v.picture("first")
	v.press(`.guide button[value="pause"]`)
	v.until(".guide-where", "paused")
	for range 4 { // country, stir, surge, called
		was := v.says("#guide-title")
		v.press(`.guide button[value="step"]`)
		v.leaves("#guide-title", was)
	}
	v.until("#guide-title", "Somebody says whether it is an incident")
	v.press(`.guide-act form[action="/demo/seat"] button`)
	v.until("header .who", "wang.min")
	v.until("h1", duskmoth)
	v.picture("confirm")
	v.press("#confirm form button.primary, form#confirm button.primary")
	v.until(".mark[class*=state-]", "open")
	v.press(`.guide button[value="go_on"]`)
	v.until(".guide-past", "you did it")
	v.open("/?lang=zh")
	v.until(".guide-past", "由您完成")
	v.picture("overview-zh")
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range v.complaints {
		t.Errorf("the browser says: %s", one)
	}
}
