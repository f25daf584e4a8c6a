package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// findingList is a list of findings that can be narrowed, as pages show it.
type findingList struct {
	Form      form // for what who sees the page may do
	List      []casebook.Finding
	Asked     wanted
	Fault     string // why what was asked for can't be looked for, "" nothing is wrong
	Next      string // address of the next findings, "" if none follow
	CSV, JSON string // addresses of the whole list for programs
	OfThreat  bool   // of one threat, which isn't told with each
	// Orderable are the open incidents for which findings can be chosen and ordered about.
	Orderable []casebook.Incident
}

// Picks reports whether findings can be chosen, to order something about them.
func (l findingList) Picks() bool {
	return len(l.Orderable) > 0 && rules["GET /orders/new"] != "" && l.Form.May("GET /orders/new")
}

// findingStates and findingRoles are what a list can be narrowed to.
var (
	findingStates = []casebook.State{casebook.Open, casebook.Told, casebook.ClaimedClean, casebook.Verified, casebook.Unverified, casebook.Relapsed, casebook.Void}
	findingRoles  = []casebook.Role{casebook.Controller, casebook.Bot, casebook.Distributor, casebook.Attacker, casebook.Exposed, casebook.Compromised, casebook.Victim, casebook.RoleOther}
)

// States are what the list can be narrowed to.
func (findingList) States() []casebook.State { return findingStates }

// Roles are what the list can be narrowed to.
func (findingList) Roles() []casebook.Role { return findingRoles }

// filteredBy reads the filter that an address asks for.
func filteredBy(query url.Values) Filtered {
	f := Filtered{State: query.Get("state"), Role: query.Get("role"), Family: query.Get("family"), Region: query.Get("region"), Party: query.Get("party"), Asset: strings.TrimSpace(query.Get("asset")),
		Threat: query.Get("threat")}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.Parse(layout, query.Get("since")); err == nil {
			f.Since = at
			break
		}
	}
	return f
}

// findingList reads the findings that the address of a page asks for; threat is the
// one of which the page is, the zero ID any.
func (s *server) findingList(x *exchange, threat casebook.ID) (findingList, error) {
	query := x.request.URL.Query()
	list := findingList{Form: blankForm(x), Asked: wanted{query}, OfThreat: !threat.IsZero()}
	after, err := Paged{Cursor: query.Get("cursor")}.after(casebook.FindingPrefix)
	if err != nil {
		return list, err
	}
	asks := filteredBy(query)
	if !threat.IsZero() {
		asks.Threat = threat.Text(casebook.ThreatPrefix)
	}
	if list.Fault = asks.fault(query.Get("since")); list.Fault != "" {
		return list, nil
	}
	filter, err := asks.filter()
	if err != nil {
		return list, err
	}
	if list.List, err = s.desk.Reader(x.caller.scope).FindingPage(x.request.Context(), filter, after, pageRows+1); err != nil {
		return list, ours(err)
	}
	if len(list.List) > pageRows {
		list.List = list.List[:pageRows]
		list.Next = list.Asked.With("cursor", list.List[pageRows-1].ID.Text(casebook.FindingPrefix)) + "#findings"
	}
	whole := asks.query().Encode()
	list.CSV, list.JSON = "/findings.csv?"+whole, "/api/v1/findings?"+whole
	return list, nil
}

// fault is what a person typed that can't be looked for, by the key of the words that
// say it; "" nothing.
func (f Filtered) fault(since string) string {
	if since != "" && f.Since.IsZero() {
		return "findings.fault.since"
	}
	if f.Asset == "" {
		return ""
	}
	if _, err := store.AssetRange(f.Asset); err != nil {
		return "findings.fault.asset"
	}
	if _, err := store.ListedAsset(f.Asset); err != nil {
		return "findings.fault.wide"
	}
	return ""
}

// query writes a filter as the address of a list.
func (f Filtered) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{"state": f.State, "role": f.Role, "family": f.Family, "region": f.Region, "party": f.Party, "asset": f.Asset, "threat": f.Threat} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if !f.Since.IsZero() {
		query.Set("since", f.Since.UTC().Format(time.RFC3339))
	}
	return query
}

func (s *server) findingsPage(x *exchange) error {
	list, err := s.findingList(x, casebook.ID{})
	if err != nil {
		return err
	}
	object := page[findingLine]{Items: []findingLine{}}
	for _, f := range list.List {
		object.Items = append(object.Items, findingLine(f))
	}
	if list.Next != "" {
		object.Next = list.List[len(list.List)-1].ID.Text(casebook.FindingPrefix)
	}
	return s.render(x, "findings", list, object)
}

// findingColumns are the columns of the list as CSV, in the words of the API.
var findingColumns = []string{"id", "threat", "asset_kind", "asset", "port", "asn", "holder", "family", "type", "role", "severity", "state", "first_seen", "last_seen", "days", "count", "relapses", "party", "region", "tlp", "exercise"}

// findingsCSV gives the whole list that an address asks for, in the order in which
// findings were first recorded.
func (s *server) findingsCSV(x *exchange) error {
	filter, err := filteredBy(x.request.URL.Query()).filter()
	if err != nil {
		return err
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.Write(findingColumns)
	begun := false
	flush := func() error {
		if w.Flush(); !begun {
			begun = true
			x.Header().Set("Content-Type", "text/csv; charset=utf-8")
			x.Header().Set("Content-Disposition", `attachment; filename="findings.csv"`)
		}
		err := x.flush([]byte(text.String()))
		text.Reset()
		return err
	}
	for f, err := range s.desk.Reader(x.caller.scope).Findings(x.request.Context(), filter) {
		if err != nil {
			if begun { // nobody takes the part for the whole
				panic(http.ErrAbortHandler)
			}
			return err
		}
		w.Write(findingRecord(&f))
		if w.Flush(); text.Len() < 32<<10 {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// findingRecord is a line of the list as CSV. What a stranger wrote is no formula of a
// spreadsheet.
func findingRecord(f *casebook.Finding) []string {
	return []string{f.ID.Text(casebook.FindingPrefix), f.Threat.Text(casebook.ThreatPrefix), f.Asset.Kind.String(), plainCell(f.Asset.String()), strconv.Itoa(int(f.Port)),
		strconv.FormatUint(uint64(f.ASN), 10), plainCell(f.Holder), plainCell(f.Family), f.Type.String(), f.Role.String(), f.Severity.String(), f.State.String(),
		f.FirstSeen.UTC().Format(time.RFC3339Nano), f.LastSeen.UTC().Format(time.RFC3339Nano), strconv.Itoa(f.Days.Len()), strconv.FormatInt(f.Count, 10), strconv.Itoa(f.Relapses),
		plainCell(f.Party), f.Mark.Region, f.Mark.TLP.String(), strconv.FormatBool(f.Mark.Exercise)}
}

// plainCell keeps a cell from being read as a formula (OWASP, CSV injection).
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
