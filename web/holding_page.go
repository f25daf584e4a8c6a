package web

import (
	"net/http"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// importRows is how many imports the page of holdings lists.
const importRows = 50

// holdingsView is the page on which one looks up who held what, and takes in tables.
type holdingsView struct {
	Form    form
	Search  form
	Asked   bool
	Found   *desk.Held
	Party   casebook.Party // that was found, as this platform knows it; zero: it doesn't
	Imports []store.HoldingImport
	Made    *holdingImport
}

func (s *server) holdingsPage(x *exchange) error {
	return s.showHoldings(x, holdingsView{Form: blankForm(x)})
}

func (s *server) showHoldings(x *exchange, v holdingsView) error {
	ctx, r, q := x.request.Context(), s.desk.Reader(x.caller.scope), x.request.URL.Query()
	v.Search = searched(q)
	if err := s.lookUp(x, r, &v, strings.TrimSpace(q.Get("asset"))); err != nil {
		return err
	}
	var err error
	if v.Imports, err = r.HoldingImports(ctx, importRows); err != nil {
		return err
	}
	switch {
	case v.Form.Status != 0:
		s.show(x, v.Form.Status, "holdings", v)
	case v.Made != nil:
		s.show(x, http.StatusCreated, "holdings", v)
	default:
		return s.render(x, "holdings", v, viewHeld(v))
	}
	return nil
}

// lookUp finds who held what the address asks for; an empty text asks for nothing.
func (s *server) lookUp(x *exchange, r *store.Reader, v *holdingsView, text string) error {
	at := v.Search.when("at", time.UTC)
	if text == "" {
		return nil
	}
	a, err := desk.ParseAsset(text)
	if err != nil {
		v.Search.wrong("asset", "fault.asset")
	}
	if v.Search.err() != nil {
		return nil
	}
	if at.IsZero() {
		at = s.desk.Now()
	}
	found, err := s.desk.WhoHeld(x.request.Context(), x.caller.scope, a, at)
	if err != nil {
		return err
	}
	v.Found = &found
	if found.Attribution.Party == "" {
		return nil
	}
	all, err := r.Parties(x.request.Context())
	for _, p := range all {
		if p.Name == found.Attribution.Party && p.At(at) {
			v.Party = p
		}
	}
	return err
}

// heldBy is who held what, for programs.
type heldBy struct {
	Kind   string    `json:"kind" enum:"held"`
	Asset  string    `json:"asset"`
	At     time.Time `json:"at"`
	ASN    uint32    `json:"asn"`
	Holder string    `json:"holder"`
	Party  string    `json:"party"`
	Region string    `json:"region"`
	Source string    `json:"source" doc:"On whose word; empty: nobody is known."`
}

func viewHeld(v holdingsView) any {
	if v.Found == nil {
		return page[heldBy]{Items: []heldBy{}}
	}
	h := heldBy{"held", v.Found.Asset.String(), v.Found.At, v.Found.ASN, v.Found.Holder, v.Found.Attribution.Party, v.Found.Region, ""}
	if v.Found.By != nil {
		h.Source = v.Found.By.Source
	}
	return page[heldBy]{Items: []heldBy{h}}
}

// holdingForm takes in a table by the same door as POST /api/v1/holdings/imports.
func (s *server) holdingForm(x *exchange) error {
	f, file, err := readUpload(x, "import")
	if err != nil {
		return err
	}
	defer drain(file)
	t := desk.Table{Source: f.text("source", 100, false), AsOf: f.when("as_of", time.UTC)}
	if file == nil {
		f.wrong("file", "fault.file")
	} else if t.Name, t.Body = file.FileName(), http.MaxBytesReader(x, file, maxTable); t.Source == "" {
		t.Source = desk.SourceName(t.Name)
	}
	var i store.HoldingImport
	bad := []refusal{}
	if err = f.err(); err == nil {
		i, err = s.desk.ImportHoldings(x.request.Context(), x.caller.actor, t, func(r casebook.Refusal) error {
			if len(bad) < maxRefusals {
				bad = append(bad, viewRefusal(r))
			}
			return nil
		})
	}
	if err != nil {
		return s.refuseForm(x, &f, err, "/holdings", func() error { return s.showHoldings(x, holdingsView{Form: f}) })
	}
	made := &holdingImport{"holding_import", i.Source, i.Name, kept(i.AsOf), i.Rows, i.Refused, i.Added, i.Ended, i.Digest.String(), bad}
	if !wantsPage(x.request) {
		return x.json(http.StatusCreated, made)
	}
	x.page = "/holdings"
	return s.showHoldings(x, holdingsView{Form: blankForm(x), Made: made})
}
