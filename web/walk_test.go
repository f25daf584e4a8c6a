package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// A walker is somebody who comes to the platform, and how.
type walker struct {
	name      string
	headers   []string
	principal access.Principal
	knows     bool // whether the platform knows who it is
}

// The objects of the walk: each noun once for each of two parties, and once for
// nobody. "own" is shared with the party that walks, "other" with another one.
type grounds struct {
	desk    *desk.Desk
	handler http.Handler
	parties map[string]casebook.ID
	objects map[string]map[string]string // whose, noun, public name
	outside []walker
	walkers []walker
}

const goodPassword = "five green herons wade"

// newGrounds makes a platform with people of every role, keys of every scope, and two
// parties with objects of their own.
func newGrounds(t *testing.T) *grounds {
	g := &grounds{desk: openDesk(t, desk.Config{}), parties: map[string]casebook.ID{}, objects: map[string]map[string]string{}}
	g.handler = New(g.desk, Options{Key: key, Loopback: true, Setup: "tcu_X", Guide: &stillGuide{}, Backup: func(_ context.Context, w io.Writer) error { _, err := w.Write([]byte("archive")); return err }})
	local := New(g.desk, Options{Trusted: true})
	post[party](t, local, "/api/v1/parties", `{"name":"bureau","roles":["authority"],"region":"CN","own":true}`, 200) // by whose power orders are given
	for _, whose := range []string{"own", "other"} {
		p := post[party](t, local, "/api/v1/parties", `{"name":"`+whose+`","roles":["access_provider"],"own":true}`, 200)
		g.parties[whose] = parsed(t, casebook.PartyPrefix, p.ID)
		g.objects[whose] = g.makeObjects(t, local, whose)
	}
	g.addPeople(t, local)
	return g
}

// makeObjects makes one of each noun for a party, through the doors that people use,
// and shares what can be shared with it.
func (g *grounds) makeObjects(t *testing.T, local http.Handler, whose string) map[string]string {
	made := map[string]string{"parties": g.parties[whose].Text(casebook.PartyPrefix)}
	address := map[string]string{"own": "192.0.2.7", "other": "198.51.100.9"}[whose]
	importTable(t, g.desk, "table "+whose, fmt.Sprintf("cidr,asn,holder,region,party\n%s/32,64500,Net %[2]s,XA,%[2]s\n", address, whose), time.Time{})
	d := load(t, g.desk, "c2-tracker", whose+".csv", fmt.Sprintf("observed_at,family,ip,commit\n2026-03-14T10:00:00Z,Family %s,%s,c0ffee\n", whose, address))
	made["deliveries"] = d.ID.Text(casebook.DeliveryPrefix)
	i := post[wholeCase](t, local, "/api/v1/incidents", `{"as":"wang","category":"botnet","title":"a call","party":"`+made["parties"]+`","facts":{"controlled_addresses_unique_24h":1200000}}`, 201)
	made["incidents"] = i.ID
	for _, f := range findingsOf(t, g.desk) {
		if f.Party == whose {
			made["findings"], made["threats"] = f.ID.Text(casebook.FindingPrefix), f.Threat.Text(casebook.ThreatPrefix)
		}
	}
	duties := get[page[duty]](t, local, "/api/v1/duties?incident="+i.ID, 200).Items
	if len(duties) == 0 {
		t.Fatal("the walk's incident owes nothing")
	}
	made["duties"] = duties[0].ID
	g.makePapers(t, local, made, duties[len(duties)-1].ID)
	err := g.desk.ShareWith(t.Context(), casebook.Actor{Kind: casebook.Person, Name: "wang"}, []casebook.Share{
		{Kind: casebook.SharedDelivery, Object: parsed(t, casebook.DeliveryPrefix, made["deliveries"]), Party: g.parties[whose], Why: "for the walk"},
		{Kind: casebook.SharedThreat, Object: parsed(t, casebook.ThreatPrefix, made["threats"]), Party: g.parties[whose], Why: "for the walk"},
		{Kind: casebook.SharedIncident, Object: parsed(t, casebook.IncidentPrefix, i.ID), Party: g.parties[whose], Why: "for the walk"},
		{Kind: casebook.SharedDuty, Object: parsed(t, casebook.DutyPrefix, made["duties"]), Party: g.parties[whose], Why: "for the walk"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// makePapers files a report for a duty and serves an order to the party, which shares
// both with it.
func (g *grounds) makePapers(t *testing.T, local http.Handler, made map[string]string, duty string) {
	r := post[wholeFiling](t, local, "/api/v1/reports", `{"as":"wang","duty":"`+duty+`"}`, 201)
	r = post[wholeFiling](t, local, "/api/v1/reports/"+r.ID+"/versions", `{"as":"wang","channel":"phone","proof":"a call sheet"}`, 201)
	made["reports"], made["recipients"] = r.ID, r.Versions[0].To[0].ID
	o := post[wholeOrder](t, local, "/api/v1/orders", withNames(`{"as":"wang","incident":"INCIDENT","party":"PARTY","findings":["FINDING"],"measure":"clean","limit_s":86400}`, made), 201)
	made["orders"] = o.ID
	for _, act := range []string{`{"as":"li","act":"approve"}`, `{"as":"wang","act":"serve","proof":"handed over"}`} {
		o = post[wholeOrder](t, local, "/api/v1/orders/"+o.ID+"/acts", act, 200)
	}
}

// withNames puts the names of one party's things into the body of a request.
func withNames(body string, made map[string]string) string {
	return strings.NewReplacer("RECIPIENT", made["recipients"], "INCIDENT", made["incidents"], "PARTY", made["parties"], "FINDING", made["findings"], "DUTY", made["duties"]).Replace(body)
}

// addPeople makes a walker of each role and each scope, and those who stay outside.
func (g *grounds) addPeople(t *testing.T, local http.Handler) {
	add := func(name string, roles []string, of casebook.ID) casebook.User {
		u := post[user](t, local, "/api/v1/users", fmt.Sprintf(`{"name":%q,"password":%q,"roles":["%s"],"party":%q}`, name, goodPassword, strings.Join(roles, `","`), partyText(of)), 201)
		return casebook.User{ID: parsed(t, casebook.UserPrefix, u.ID), Tenant: 1, Name: name, Roles: roles, Party: of}
	}
	session := func(name string) []string {
		secret, _, err := g.desk.SignIn(t.Context(), name, goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		return []string{"Cookie", plainCookie + "=" + secret}
	}
	// First what ends by itself; then the clock goes on for longer than a session may
	// be left alone.
	add("spare", []string{access.Administrator}, casebook.ID{})
	unused, now := session("spare"), g.desk.Now
	_, expired, err := g.desk.AddKey(t.Context(), casebook.Actor{Kind: casebook.Person, Name: "spare"},
		casebook.AccessKey{Name: "old", Scopes: []string{access.ReadScope}, ExpiresAt: now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	g.desk.Now = func() time.Time { return now().Add(access.SessionIdle + time.Minute) }
	for _, role := range access.Roles() {
		of := casebook.ID{}
		if role == access.AbuseDesk {
			of = g.parties["own"]
		}
		u := add(role, []string{role}, of)
		g.walkers = append(g.walkers, walker{role, session(role), access.OfUser(u), true})
	}
	mine := post[madeKey](t, local, "/api/v1/keys", `{"name":"laptop","user":"officer"}`, 201)
	g.walkers = append(g.walkers, walker{"a person's key", []string{"Authorization", "Bearer " + mine.Secret},
		access.OfUser(casebook.User{Tenant: 1, Name: "officer", Roles: []string{access.Officer}}), true})
	for _, of := range []string{"", "own"} {
		for _, scope := range access.Scopes() {
			k := post[madeKey](t, local, "/api/v1/keys", fmt.Sprintf(`{"name":"key-%s","scopes":[%[1]q],"party":%q}`, scope, partyText(g.parties[of])), 201)
			g.walkers = append(g.walkers, walker{"key " + scope + " of " + of, []string{"Authorization", "Bearer " + k.Secret},
				access.OfKey(casebook.AccessKey{Tenant: 1, Name: "key-" + scope, Scopes: []string{scope}, Party: g.parties[of]}), true})
		}
	}
	g.walkers = append(g.walkers, walker{"the data directory's key", []string{"Authorization", "Bearer " + key},
		access.OfKey(casebook.AccessKey{Tenant: 1, Name: "key", Scopes: access.Scopes()}), true})

	revoked := post[madeKey](t, local, "/api/v1/keys", `{"name":"lost","scopes":["read"]}`, 201)
	post[accessKey](t, local, "/api/v1/keys/"+revoked.ID+"/revoke", `{}`, 200)
	gone := add("gone", []string{access.Officer}, casebook.ID{})
	theirs := post[madeKey](t, local, "/api/v1/keys", `{"name":"theirs","user":"gone"}`, 201)
	left := session("gone")
	signedOut := session("officer")
	if err := g.desk.SignOut(t.Context(), strings.TrimPrefix(signedOut[1], plainCookie+"=")); err != nil {
		t.Fatal(err)
	}
	post[user](t, local, "/api/v1/users/"+gone.ID.Text(casebook.UserPrefix)+"/disable", `{}`, 200)
	g.outside = []walker{{name: "nobody"}, {name: "a revoked key", headers: []string{"Authorization", "Bearer " + revoked.Secret}},
		{name: "an expired key", headers: []string{"Authorization", "Bearer " + expired}},
		{name: "a disabled person's key", headers: []string{"Authorization", "Bearer " + theirs.Secret}},
		{name: "a disabled person's session", headers: left}, {name: "who signed out", headers: signedOut},
		{name: "a session left alone", headers: unused}, {name: "a made-up session", headers: []string{"Cookie", plainCookie + "=tcs_AAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		{name: "a cookie of the other name", headers: []string{"Cookie", secureCookie + "=" + strings.TrimPrefix(session("auditor")[1], plainCookie+"=")}}}
}

// A stop is one call of a route: with which body, and what it says to who may.
type stop struct {
	query, body string
	want        []int
	// needs is what the act needs besides its route's permission.
	needs access.Permission
	// fresh makes a new object for each call, where the act can be done once only;
	// it gives its public name.
	fresh func(t *testing.T, g *grounds) string
}

// stops holds a call for each route that needs more than its path. A route with a
// method other than GET must be here.
var stops = map[string]stop{
	"GET /api/v1/ledger/inclusion":             {query: "index=0&size=1"},
	"GET /api/v1/ledger/consistency":           {query: "from=1&to=2"},
	"POST /api/v1/deliveries":                  {query: "feed=feodo", body: feodo, want: []int{200, 201}},
	"POST /api/v1/holdings/imports":            {query: "source=walk", body: "cidr,asn,holder,region,party\n203.0.113.0/24,64500,Walk,XA,\n", want: []int{200, 201}},
	"POST /api/v1/parties":                     {body: `{"name":"walked","roles":["registry"]}`},
	"POST /api/v1/parties/{id}/end":            {body: `{}`, fresh: freshParty},
	"POST /api/v1/incidents":                   {body: `{"AS""title":"walked"}`, want: []int{201}},
	"POST /api/v1/incidents/{id}/confirmation": {body: `{"AS""facts":{"users_offline":7}}`},
	"POST /api/v1/incidents/{id}/dismissal":    {body: `{"AS""reason":"none"}`, want: []int{409}}, // only a proposed one can be dismissed
	"POST /api/v1/incidents/{id}/grades":       {body: `{"AS""regime":"cn-miit-2009-156","level":"serious","reason":"counted"}`},
	"POST /api/v1/incidents/{id}/owner":        {body: `{"AS""act":"take"}`, want: []int{200, 409}},
	"POST /api/v1/incidents/{id}/corrections":  {body: `{"AS""entry":"received"}`, want: []int{409}},                                 // nobody asked for one
	"POST /api/v1/duties/{id}/steps":           {body: `{"AS""act":"suspend","by":"the police","reason":"asked"}`, want: []int{400}}, // its law knows no such act
	"GET /api/v1/scorecards/shadow":            {query: "regime=cn-miit-2009-156", want: []int{400}},                                 // it has no schedule
	"POST /api/v1/incidents/{id}/timeline":     {body: `{"AS""note":"walked"}`},
	"POST /api/v1/incidents/{id}/closing":      {body: `{"AS""reason":"over","anyway":true}`, fresh: freshIncident},
	"POST /api/v1/incidents/{id}/voiding":      {body: `{"AS""reason":"our own test"}`, fresh: freshIncident},
	"POST /api/v1/parties/{id}/contacts":       {body: `{"for":"orders","target":"mailto:abuse@example.org"}`},
	"POST /api/v1/reports":                     {body: `{"AS""duty":"DUTY"}`, want: []int{201, 409}}, // there is one already
	"PUT /api/v1/reports/{id}":                 {body: `{"AS""fields":[]}`},
	"POST /api/v1/reports/{id}/versions":       {body: `{"AS""channel":"phone","proof":"a call sheet"}`, want: []int{201}},
	"POST /api/v1/recipients/{id}":             {body: `{"AS""fact":"acknowledged"}`},
	"POST /api/v1/orders":                      {body: `{"AS""incident":"INCIDENT","party":"PARTY","findings":["FINDING"],"measure":"clean","limit_s":3600}`, want: []int{201}},
	"POST /api/v1/orders/{id}/acts":            {body: `{"AS""act":"approve"}`, want: []int{409}, needs: access.ApproveOrders}, // it was approved
	"POST /api/v1/orders/{id}/answers":         {body: "number,answer\n1,done\n"},
	"POST /incidents":                          {body: "title=walked&zone=UTC", want: []int{303}},
	"POST /incidents/{id}/confirm":             {body: "fact.users_offline=7", want: []int{303}},
	"POST /incidents/{id}/dismiss":             {body: "reason=none", want: []int{409}},
	"POST /incidents/{id}/grade":               {body: "level=cn-miit-2009-156+serious&standing=confirmed&reason=counted", want: []int{303}},
	"POST /incidents/{id}/take":                {want: []int{303, 409}},
	"POST /incidents/{id}/give":                {body: "to=li", want: []int{303, 409}},
	"POST /incidents/{id}/release":             {want: []int{303, 409}},
	"POST /incidents/{id}/note":                {body: "text=walked&zone=UTC", want: []int{303}},
	"POST /parties":                            {body: "name=walked&role=registry&region=CN", want: []int{303}},
	"POST /outbox/{id}/resend":                 {body: "reason=walked", want: []int{303}},
	"POST /parties/{id}":                       {body: "region=CN&role=access_provider&own=yes", want: []int{303}},
	"POST /parties/{id}/end":                   {want: []int{303}, fresh: freshParty},
	"POST /parties/{id}/contacts":              {body: "for=orders&target=abuse@example.org", want: []int{303}},
	"POST /parties/{id}/contacts/end":          {body: "for=orders&key=none", want: []int{400}},
	"POST /holdings":                           {body: walkFile("source=walked", "cidr,asn,holder,region,party\n203.0.113.0/24,64500,Walk,XA,\n"), want: []int{201}},
	"POST /deliveries":                         {body: walkFile("feed=feodo", feodo), want: []int{303}},
	"POST /ledger/audit":                       {want: []int{303, 409}}, // one may run still
	"POST /people":                             {body: "name=walked", want: []int{400}},
	"GET /people/{id}":                         {fresh: freshUser},
	"POST /people/{id}/roles":                  {body: "role=administrator", want: []int{303}, fresh: freshUser},
	"POST /people/{id}/disable":                {want: []int{303}, fresh: freshUser},
	"POST /people/{id}/enable":                 {want: []int{303}, fresh: freshUser},
	"POST /people/{id}/reset":                  {want: []int{201, 409}, fresh: freshUser}, // a disabled account gets no link
	"POST /keys":                               {body: "name=walked&scope=read", want: []int{201}},
	"POST /keys/{id}/revoke":                   {want: []int{303}, fresh: freshKey},
	"POST /account/password":                   {body: "old=" + url.QueryEscape(goodPassword) + "&password=short", want: []int{400}},
	"POST /account/elsewhere":                  {want: []int{303, 409}}, // a key isn't signed in anywhere
	"GET /join":                                {query: "token=tci_X", want: []int{404}},
	"POST /join":                               {body: "token=tci_X", want: []int{404}},
	"GET /regimes/{id}":                        {fresh: func(*testing.T, *grounds) string { return "cn-miit-2009-156" }},
	"POST /api/v1/outbox/{id}/resend":          {},
	"POST /api/v1/me/password":                 {body: `{"old":"` + goodPassword + `","password":"short"}`, want: []int{400}},
	"POST /api/v1/users":                       {body: `{"name":"n","password":"short","roles":["officer"]}`, want: []int{400}},
	"POST /api/v1/users/{id}/roles":            {body: `{"roles":["administrator"]}`, fresh: freshUser},
	"POST /api/v1/users/{id}/password":         {body: `{"password":"` + goodPassword + `"}`, fresh: freshUser},
	"POST /api/v1/users/{id}/disable":          {fresh: freshUser},
	"POST /api/v1/users/{id}/enable":           {fresh: freshUser},
	"POST /api/v1/keys":                        {body: `{"name":"walked","scopes":["read"]}`, want: []int{201}},
	"POST /api/v1/keys/{id}/revoke":            {fresh: freshKey},
	"GET /api/v1/regimes/{id}":                 {fresh: func(*testing.T, *grounds) string { return "cn-miit-2009-156" }},
	"GET /assets":                              {query: "of=192.0.2.7"},
	"GET /findings":                            {query: "role=controller&region=XA"},
	"GET /search":                              {query: "q=family"},
	"GET /api/v1/search":                       {query: "q=family"},
	"POST /signin":                             {want: []int{401, 429}},
	"POST /signout":                            {want: []int{303}},
	"POST /demo/seat":                          {want: []int{404}},                       // nobody has that account
	"POST /demo/steer":                         {want: []int{400}},                       // no story can do that
	"GET /setup":                               {query: "token=tcu_X", want: []int{404}}, // there are accounts
	"POST /setup":                              {want: []int{404}},
	// Reports, orders and answers by pages; how a case ends.
	"POST /duties/{id}/draft":         {want: []int{303}},
	"POST /duties/{id}/suspend":       {body: "zone=UTC&by=x&reason=x", want: []int{400}}, // its law knows no such act
	"POST /duties/{id}/resume":        {body: "zone=UTC&by=x&reason=x", want: []int{409}},
	"POST /duties/{id}/extend":        {body: "zone=UTC&by=x&reason=x", want: []int{400}},
	"GET /reports/{id}/proof":         {query: "number=1", want: []int{404}}, // it has none
	"POST /reports/{id}/write":        {body: "field.harm=walked", want: []int{303}},
	"POST /reports/{id}/file":         {want: []int{303, 400}}, // something may be missing
	"POST /reports/{id}/outside":      {body: "zone=UTC&channel=phone&to=authority&proof=a+call+sheet", want: []int{303}},
	"POST /reports/{id}/receipt":      {body: "zone=UTC&fact=acknowledged&recipient=RECIPIENT", want: []int{303}},
	"GET /orders/new":                 {query: "incident=INCIDENT&party=PARTY"},
	"POST /orders":                    {body: "incident=INCIDENT&party=PARTY&measure=clean&limit=24&unit=hours&finding=FINDING", want: []int{303}},
	"POST /orders/{id}/approve":       {want: []int{409}}, // it was approved
	"POST /orders/{id}/serve":         {want: []int{409}},
	"POST /orders/{id}/handed":        {body: "zone=UTC&proof=x", want: []int{409}},
	"POST /orders/{id}/withdraw":      {want: []int{400}}, // no reason
	"POST /orders/{id}/close":         {want: []int{400}},
	"POST /orders/{id}/link":          {want: []int{409}}, // its own address isn't known
	"POST /orders/{id}/unlink":        {want: []int{303}},
	"POST /orders/{id}/answer":        {body: "zone=UTC&answer.1=done", want: []int{303}},
	"POST /orders/{id}/table":         {want: []int{400}}, // no file
	"GET /answer/{token}":             {want: []int{404, 429}},
	"GET /answer/{token}/rows":        {want: []int{404, 429}},
	"POST /answer/{token}":            {want: []int{404, 429}},
	"POST /answer/{token}/table":      {want: []int{404, 429}},
	"POST /incidents/{id}/close":      {body: "reason=over&anyway=yes", want: []int{303}, fresh: freshIncident},
	"POST /incidents/{id}/void":       {body: "reason=our+own+test", want: []int{303}, fresh: freshIncident},
	"POST /incidents/{id}/correct":    {body: "zone=UTC&reason=x", want: []int{400}},
	"POST /incidents/{id}/correction": {body: "entry=received&to=2026-03-14T09:00:00Z", want: []int{409}}, // nobody asked for one
	// What parties say against lines of their scorecards: nothing fell due yet.
	"POST /api/v1/disputes":               {body: `{"AS""party_id":"PARTY","regime":"cn-miit-2009-156","stage":"level1_report","month":"2026-03","text":"walked"}`, want: []int{404}},
	"POST /api/v1/disputes/{id}/decision": {body: `{"AS""decision":"rejected","reason":"walked"}`, want: []int{404}, fresh: func(*testing.T, *grounds) string { return casebook.NewID(time.Now()).Text(casebook.DisputePrefix) }},
	"POST /scorecards/disputes":           {body: "line=PARTY||cn-miit-2009-156|level1_report|2026-03|&text=walked", want: []int{404}},
	"POST /scorecards/decisions":          {body: "dispute=none&decision=rejected&reason=walked", want: []int{400}},
	"GET /static/{file}": {fresh: func(*testing.T, *grounds) string {
		_, paths := openAssets()
		return strings.TrimPrefix(paths["tocsin.css"], "/static/")
	}},
}

// walkFile is the body of a form with one field and a file.
func walkFile(field, file string) string {
	name, value, _ := strings.Cut(field, "=")
	part := "--walk\r\nContent-Disposition: form-data; name=%q%s\r\n\r\n%s\r\n"
	return fmt.Sprintf(part, name, "", value) + fmt.Sprintf(part, "file", `; filename="walked.csv"`, file) + "--walk--\r\n"
}

func freshParty(t *testing.T, g *grounds) string {
	p, err := g.desk.KeepParty(t.Context(), casebook.Actor{Kind: casebook.Machine, Name: "test"}, casebook.Party{Name: casebook.NewID(time.Now()).Text("name"), Roles: []string{"registry"}})
	if err != nil {
		t.Fatal(err)
	}
	return p.ID.Text(casebook.PartyPrefix)
}

func freshIncident(t *testing.T, g *grounds) string {
	i, err := g.desk.OpenIncident(t.Context(), casebook.Actor{Kind: casebook.Person, Name: "test"}, desk.Opening{Title: "for one walker"})
	if err != nil {
		t.Fatal(err)
	}
	return i.ID.Text(casebook.IncidentPrefix)
}

func freshUser(t *testing.T, g *grounds) string {
	all, err := g.desk.Reader(casebook.Operator()).Users(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(u casebook.User) bool { return u.Name == "spare" })].ID.Text(casebook.UserPrefix)
}

func freshKey(t *testing.T, g *grounds) string {
	k, _, err := g.desk.AddKey(t.Context(), casebook.Actor{Kind: casebook.Machine, Name: "test"}, casebook.AccessKey{Name: "fresh", Scopes: []string{access.ReadScope}})
	if err != nil {
		t.Fatal(err)
	}
	return k.ID.Text(casebook.KeyPrefix)
}

// call makes the stop's request as a walker, against the objects of one party.
func (g *grounds) call(t *testing.T, pattern string, w walker, whose string) *httptest.ResponseRecorder {
	t.Helper()
	s := stops[pattern]
	method, path, _ := strings.Cut(pattern, " ")
	if strings.Contains(path, "{id}") {
		noun := strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "/api/v1"), "/"), "/")[0]
		id := g.objects[whose][noun]
		if s.fresh != nil {
			id = s.fresh(t, g)
		} else if noun == "outbox" {
			lines, err := g.desk.Reader(casebook.Operator()).Outbox(t.Context(), nil, 1)
			if err != nil || len(lines) == 0 {
				t.Fatal("no line in the outbox to walk to", err)
			}
			id = lines[0].MessageID
		}
		if id == "" {
			t.Fatalf("%s: the walk has made no object for {id}: enter its noun in makeObjects", pattern)
		}
		path = strings.Replace(path, "{id}", id, 1)
	}
	path = strings.Replace(path, "{token}", "tcl_AAAAAAAAAAAAAAAAAAAAAAAAAA", 1)
	if strings.HasSuffix(path, "{file}") {
		path = strings.Replace(path, "{file}", s.fresh(t, g), 1)
	}
	path = strings.Replace(path, "{$}", "", 1)
	as := ""
	if w.principal.IsPerson() {
		as = fmt.Sprintf(`"as":%q,`, w.principal.Actor.Name)
	}
	body := withNames(strings.Replace(s.body, `"AS"`, as, 1), g.objects[whose])
	if s.query != "" {
		path += "?" + withNames(s.query, g.objects[whose])
	}
	r := httptest.NewRequest(method, "http://localhost:8080"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1"
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else if strings.HasPrefix(body, "--walk") {
		r.Header.Set("Content-Type", "multipart/form-data; boundary=walk")
	} else if !strings.HasPrefix(path, "/api") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(w.headers); i += 2 {
		r.Header.Set(w.headers[i], w.headers[i+1])
	}
	answer := httptest.NewRecorder()
	g.handler.ServeHTTP(answer, r)
	return answer
}

// nouns are the routes whose {id} names something of one party, which others don't
// see.
func ofOneParty(pattern string) bool {
	_, path, _ := strings.Cut(pattern, " ")
	path = strings.TrimPrefix(path, "/api/v1")
	return slices.ContainsFunc([]string{"/deliveries/{id}", "/threats/{id}", "/incidents/{id}", "/duties/{id}", "/parties/{id}", "/reports/{id}", "/recipients/{id}", "/orders/{id}"},
		func(noun string) bool { return strings.HasPrefix(path, noun) }) && stops[pattern].fresh == nil
}

// TestEveryRouteAsEverybody walks the table of routes as every role and every scope,
// against objects that were shared with the walker's party and objects of another's,
// and as everybody who must stay outside. A new route fails here until it says what it
// answers.
func TestEveryRouteAsEverybody(t *testing.T) {
	g := newGrounds(t)
	asked := 0
	for _, pattern := range slices.Sorted(maps.Keys(rules)) {
		needed, s := rules[pattern], stops[pattern]
		if _, ok := stops[pattern]; !ok && !strings.HasPrefix(pattern, "GET ") {
			t.Errorf("%s: the walk doesn't know what to send: enter it in stops", pattern)
			continue
		}
		want := s.want
		if want == nil {
			want = []int{200}
		}
		for _, w := range g.outside {
			got := g.call(t, pattern, w, "own").Code
			asked++
			if needed == access.Open {
				if !slices.Contains(want, got) {
					t.Errorf("%s as %s: got %d, want %d", pattern, w.name, got, want)
				}
			} else if got != 401 {
				t.Errorf("%s as %s: got %d, want 401", pattern, w.name, got)
			}
		}
		for _, w := range g.walkers {
			for _, whose := range []string{"own", "other"} {
				if pattern == "POST /signout" {
					continue // it would end the walk
				}
				answer := g.call(t, pattern, w, whose)
				asked++
				wanted := want
				switch {
				case !w.principal.May(needed):
					wanted = []int{403}
				case s.needs != "" && !w.principal.May(s.needs):
					wanted = []int{403}
				case slices.Contains(ofPeople, pattern) && !w.principal.IsPerson():
					wanted = []int{403}
				case whose == "other" && !w.principal.Party.IsZero() && ofOneParty(pattern):
					wanted = []int{404}
				}
				if !slices.Contains(wanted, answer.Code) {
					t.Errorf("%s as %s, on what is of the %s party: got %d, want %d\n%s", pattern, w.name, whose, answer.Code, wanted, clipped(answer.Body))
				}
				if !w.principal.Party.IsZero() && answer.Code < 300 {
					g.wantNothingOfOthers(t, pattern, w, answer.Body.String())
				}
			}
		}
	}
	t.Logf("%d routes, %d walkers, %d calls", len(rules), len(g.walkers)+len(g.outside), asked)
	if asked < len(rules)*(len(g.walkers)+len(g.outside)) {
		t.Errorf("the walk made %d calls only", asked)
	}
}

// ofPeople are the routes on which somebody changes their own account.
var ofPeople = []string{"POST /api/v1/me/password", "POST /account/password", "POST /account/elsewhere"}

func clipped(b *bytes.Buffer) string { return b.String()[:min(b.Len(), 300)] }

// wantNothingOfOthers looks through an answer to somebody of the own party for names
// of the other one's things.
func (g *grounds) wantNothingOfOthers(t *testing.T, pattern string, w walker, text string) {
	t.Helper()
	for noun, id := range g.objects["other"] {
		if strings.Contains(text, id) {
			t.Errorf("%s as %s tells of the other party's %s", pattern, w.name, noun)
		}
	}
	for _, word := range []string{"198.51.100.9", "Family other", "Net other"} {
		if strings.Contains(text, word) {
			t.Errorf("%s as %s says %q, which is the other party's", pattern, w.name, word)
		}
	}
}

// TestCountsAreNarrowedToo: what a party is told of sizes is its own.
func TestCountsAreNarrowedToo(t *testing.T) {
	g := newGrounds(t)
	if answer := g.call(t, "GET /{$}", g.walkers[0], "own"); answer.Code != 200 || strings.Contains(answer.Body.String(), string(g.desk.Directory())) {
		t.Errorf("a party is told where the platform keeps its data: %d", answer.Code)
	}
	i := slices.IndexFunc(g.walkers, func(w walker) bool { return w.name == access.AbuseDesk })
	c := read[counts](t, g.call(t, "GET /api/v1/status", g.walkers[i], "own"), 200)
	if c.Findings != 1 || c.Observations != 1 || c.Deliveries != 1 || c.Threats != 1 || c.Incidents != 1 || c.Outbox.Waiting != 0 || c.Speaks != 0 || c.Duties.Open+c.Duties.Unset+c.Duties.Missed != 1 {
		t.Errorf("got %+v", c)
	}
	if all := get[page[finding]](t, New(g.desk, Options{Trusted: true}), "/api/v1/findings", 200); len(all.Items) != 2 {
		t.Errorf("the platform has %d findings, want 2", len(all.Items))
	}
}

func post[T any](t *testing.T, h http.Handler, target, body string, want int, headers ...string) T {
	t.Helper()
	return read[T](t, ask(h, "POST", target, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, headers...)...), want)
}

func parsed(t *testing.T, prefix, text string) casebook.ID {
	t.Helper()
	id, err := casebook.ParseID(prefix, text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func importTable(t *testing.T, d *desk.Desk, source, text string, asOf time.Time) {
	t.Helper()
	who := casebook.Actor{Kind: casebook.Machine, Name: "test"}
	i, err := d.ImportHoldings(t.Context(), who, desk.Table{Source: source, Name: "t.csv", AsOf: asOf, Body: strings.NewReader(text)}, func(r casebook.Refusal) error {
		return fmt.Errorf("row %d: %s", r.Row, r.Reason)
	})
	if err != nil || i.State != store.ImportInForce {
		t.Fatal(err, i)
	}
}

func findingsOf(t *testing.T, d *desk.Desk) (all []casebook.Finding) {
	t.Helper()
	for f, err := range d.Reader(casebook.Operator()).Findings(t.Context(), store.FindingFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}
