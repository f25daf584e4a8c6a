package web

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tocsin/casebook"
	"tocsin/regime"
	"tocsin/store"
)

//go:embed page/*.html
var pageFiles embed.FS

// pageRows is how many rows a page of one thing lists.
const pageRows = 100

// shared are the files of which every page may use a part.
var shared = []string{"layout", "parts", "fields", "duty_list", "finding_list", "admin", "papers", "guide"}

// site is what pages are made of.
type site struct {
	languages []*language
	files     map[string]asset
	paths     map[string]string
}

// openSite gives every page in every language, to speak of some laws. A page is parsed
// when it is first shown, for most programs that open a site show none. One that can't
// be parsed panics then; a test parses all.
func openSite(laws *regime.Library) *site {
	s := &site{languages: openLanguages()}
	s.files, s.paths = openAssets()
	names, err := fs.Glob(pageFiles, "page/*.html")
	if err != nil {
		panic(fmt.Sprintf("web: %v", err))
	}
	for _, l := range s.languages {
		parts := sync.OnceValue(func() *template.Template {
			t := template.New("layout.html").Funcs(l.functions(laws)).Funcs(l.adminFunctions(laws)).Funcs(template.FuncMap{"static": func(name string) string { return s.paths[name] }})
			for _, part := range shared {
				t = template.Must(t.ParseFS(pageFiles, "page/"+part+".html"))
			}
			return t
		})
		l.pages = map[string]func() *template.Template{}
		for _, name := range names {
			page := strings.TrimSuffix(path.Base(name), ".html")
			if slices.Contains(shared, page) {
				continue
			}
			l.pages[page] = sync.OnceValue(func() *template.Template {
				return template.Must(template.Must(parts().Clone()).ParseFS(pageFiles, name))
			})
		}
	}
	return s
}

// view is what a page is rendered from.
type view struct {
	Version  string
	Now      time.Time
	Address  string // under which the page can be asked for
	Places   []placeGroup
	Switches []languageSwitch
	User     string   // who is signed in, "" nobody
	Roles    []string // of who is signed in
	Search   bool     // whether who sees the page may search
	Account  bool     // whether who sees it has an account to keep
	API      bool     // whether who sees it may read the API's description
	Metrics  bool     // and the metrics
	Guide    *guideView
	Trouble  *store.Trouble // why nothing can be written now, nil while all is well
	Data     any
}

// languageSwitch is a link to the page in a language.
type languageSwitch struct {
	Tag     string
	Here    bool
	Address string
}

// enterPages enters the routes that people meet.
func (s *server) enterPages() {
	s.enterPage("GET /{$}", s.home)
	s.enterPage("GET /deliveries/{id}", s.deliveryPage)
	s.enterPage("GET /threats", s.threatsPage)
	s.enterPage("GET /threats/{id}", s.threatPage)
	s.enterPage("GET /situation", s.situationPage)
	s.enterPage("GET /findings", s.findingsPage)
	s.enterPage("GET /findings.csv", s.findingsCSV)
	s.enterPage("GET /search", s.searchPage)
	s.enterPage("GET /assets", s.assetsPage)
	s.enterPage("GET /duties", s.dutiesPage)
	s.enterPage("GET /duties/{id}", s.dutyPage)
	s.enterPage("GET /incidents", s.incidentsPage)
	s.enterPage("GET /incidents/{id}", s.incidentPage)
	s.enterIncidentForms()
	s.enterPage("GET /regimes", s.regimesPage)
	s.enterPage("GET /regimes/{id}", s.regimePage)
	s.enterPage("GET /parties", s.partiesPage)
	s.enterPage("POST /parties", s.partyForm)
	s.enterPage("GET /outbox", s.outboxPage)
	s.enterPage("POST /outbox/{id}/resend", s.resendForm)
	s.enterPage("GET /static/{file}", s.getStatic)
	s.enterDutyForms()
	s.enterReportPages()
	s.enterOrderPages()
	s.enterAnswerPages()
	s.enterEndForms()
	s.enterAdmin()
}

// enterPage enters one route. An error of f becomes a problem by the table in
// status.
func (s *server) enterPage(pattern string, f func(*exchange) error) {
	s.routes.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		x := w.(*exchange)
		if err := f(x); err != nil {
			s.refuse(x, x.problem(err))
		}
	})
}

// render answers with a page, or with the JSON object of the same thing to who
// asks for that.
func (s *server) render(x *exchange, name string, data, object any) error {
	if !wantsPage(x.request) {
		x.Header().Add("Vary", "Accept")
		return x.json(http.StatusOK, object)
	}
	s.show(x, http.StatusOK, name, data)
	return nil
}

// show answers with a page.
func (s *server) show(x *exchange, status int, name string, data any) {
	r := x.request
	l, chosen := choose(s.site.languages, r)
	if chosen {
		http.SetCookie(x, &http.Cookie{Name: "lang", Value: l.tag, Path: "/", MaxAge: 365 * 86400,
			HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil})
	}
	address, query := r.URL.Path, r.URL.Query()
	if x.page != "" {
		// A form that was refused: its own address can't be asked for.
		address, query = x.page, url.Values{}
	}
	query.Del("done")
	p := x.caller.principal
	v := view{Version: s.options.Version, Now: s.desk.Now(), Places: placesFrom(address, p), Search: mayOpen(p, "/search"), API: mayOpen(p, "/api/openapi.json"), Metrics: mayOpen(p, "/metrics"), Data: data}
	if p.IsPerson() {
		v.User, v.Roles, v.Account = p.Actor.Name, p.Roles, mayOpen(p, "/account")
	}
	if len(v.Places) > 0 {
		v.Trouble = s.desk.Trouble()
	}
	v.Address = (&url.URL{Path: address, RawQuery: query.Encode()}).String()
	v.Guide = s.guide(l, v.User, v.Address)
	for _, other := range s.site.languages {
		query.Set("lang", other.tag)
		v.Switches = append(v.Switches, languageSwitch{other.tag, other == l, (&url.URL{Path: address, RawQuery: query.Encode()}).String()})
	}
	// Rendered whole before the first byte, so that a fault is told as one.
	var page strings.Builder
	if err := l.pages[name]().Execute(&page, v); err != nil {
		x.problem(fmt.Errorf("page %s in %s: %w", name, l.tag, ours(err))).write(x)
		return
	}
	h := x.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", l.tag)
	h.Add("Vary", "Accept, Accept-Language, Cookie")
	h.Set("Content-Length", strconv.Itoa(page.Len()))
	x.WriteHeader(status)
	if r.Method != http.MethodHead {
		x.Write([]byte(page.String()))
	}
}

// wantsPage reports whether a request comes from somebody who reads pages: JSON
// goes to who asks for it and not for HTML.
func wantsPage(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "text/html") || !strings.Contains(accept, "json")
}

// queryNumber reads a number from 0 on of a page's address; none is 0.
func queryNumber(x *exchange, name string) (int64, error) {
	text := x.request.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%.40q is not a row's number: %w", name, text, casebook.ErrInvalid)
	}
	return n, nil
}
