package demo

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// cast is what a story knows of its case: the ids that came up, and the figures that
// its words name. The guide reads it while the story goes on.
type cast struct {
	country *Country
	parties map[string]string // name to id

	incident, threat string
	duties           map[string]string // by stage
	reports          map[string]string // by stage
	orders           map[string]string // by party

	mu      sync.Mutex
	figures map[string]string // for the words
	pages   map[string]string
}

func newCast(n *Country) *cast {
	return &cast{country: n, duties: map[string]string{}, reports: map[string]string{}, orders: map[string]string{}, figures: map[string]string{}, pages: map[string]string{}}
}

// tell keeps a figure for the words.
func (c *cast) tell(name string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.figures[name] = fmt.Sprint(value)
}

// span keeps a span for the words, in whole hours and minutes.
func (c *cast) span(name string, d time.Duration) {
	minutes := int(d.Abs().Round(time.Minute).Minutes())
	c.tell(name+"_h", minutes/60)
	c.tell(name+"_min", minutes%60)
}

// told gives the figures as name, value, name, value.
func (c *cast) told() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(c.figures)) {
		all = append(all, name, c.figures[name])
	}
	return all
}

// show keeps where a thing is shown.
func (c *cast) show(name, path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages[name] = path
}

// page gives where a thing is shown: a path as it is, and the incident for what isn't
// there yet.
func (c *cast) page(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasPrefix(name, "/") {
		return name
	}
	return cmp.Or(c.pages[name], c.pages["incident"])
}

// as gives the client of a person.
func (c *cast) as(account string) *client { return c.country.staff[account].client }

// eyes is a client that reads everything and acts on nothing.
func (c *cast) eyes() *client { return c.as("qian.wei") }

// deliver hands files in at the door for programs, and waits until they are folded.
func (c *cast) deliver(ctx context.Context, files ...delivery) error {
	for _, f := range files {
		var taken struct{ ID string }
		if err := c.country.machine.send(ctx, "/api/v1/deliveries?feed="+f.feed+"&type="+f.kind+"&name="+f.name, f.text, &taken); err != nil {
			return err
		}
		var folded struct{ State, Fault string }
		for folded.State == "" || folded.State == "accepted" {
			if err := c.country.machine.get(ctx, "/api/v1/deliveries/"+taken.ID+"?wait=30", &folded); err != nil {
				return err
			}
		}
		if folded.State != "folded" {
			return fmt.Errorf("%s was %s: %s", f.name, folded.State, folded.Fault)
		}
		c.show("delivery", "/deliveries/"+taken.ID)
	}
	return nil
}

// aCase is an incident as far as a story looks at it.
type aCase struct {
	ID, State, Owner, Threat, Title string
	Grades                          []struct{ Regime, Standing, Level, Reach string }
	Duties                          []aDuty
	Timeline                        []anEntry
}

type aDuty struct {
	ID, Regime, Stage, State, Party, Local string
	Due                                    time.Time
	MetAt                                  *time.Time `json:"met_at"`
}

type anEntry struct {
	What, By, Source, Note string
	HappenedAt             time.Time `json:"happened_at"`
}

// theCase reads the incident.
func (c *cast) theCase(ctx context.Context) (i aCase, err error) {
	return i, c.eyes().get(ctx, "/api/v1/incidents/"+c.incident, &i)
}

// findCase looks for the incident that grew from the botnet, and the grade that was
// proposed for it.
func (c *cast) findCase(ctx context.Context) (bool, error) {
	var list struct{ Items []aCase }
	if err := c.eyes().get(ctx, "/api/v1/incidents", &list); err != nil {
		return false, err
	}
	at := slices.IndexFunc(list.Items, func(i aCase) bool { return i.Title == duskmoth })
	if at < 0 {
		return false, nil
	}
	c.incident, c.threat = list.Items[at].ID, list.Items[at].Threat
	c.show("incident", "/incidents/"+c.incident)
	c.show("threat", "/threats/"+c.threat)
	i, err := c.theCase(ctx)
	return slices.ContainsFunc(i.Grades, func(g struct{ Regime, Standing, Level, Reach string }) bool {
		return g.Level == "serious" && g.Reach == "reached"
	}), err
}

// duty finds a duty of a stage that isn't over, or any where none runs.
func (c *cast) duty(ctx context.Context, stage string) (d aDuty, err error) {
	i, err := c.theCase(ctx)
	for _, one := range i.Duties {
		if one.Stage == stage && (d.ID == "" || one.State != "superseded") {
			d = one
		}
	}
	if d.ID != "" {
		c.duties[stage] = d.ID
		c.show(stage, "/duties/"+d.ID)
	}
	return d, err
}

// controllers gives the ids of the botnet's control servers, by address or name.
func (c *cast) controllers(ctx context.Context) (map[string]string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.country.base+"/api/v1/findings?threat="+c.threat, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/x-ndjson")
	r.Header.Set("Authorization", "Bearer "+c.eyes().key)
	answer, err := c.eyes().http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, refusal(answer)
	}
	found := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(answer.Body, 256<<20))
	for lines.Scan() {
		if !strings.Contains(lines.Text(), `"role":"controller"`) {
			continue
		}
		var f struct{ ID, Asset string }
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return nil, err
		}
		found[f.Asset] = f.ID
	}
	return found, lines.Err()
}

// anOrder is an order as far as a story looks at it.
type anOrder struct {
	ID, Party, State, Task string
	Due                    *time.Time
	DraftedBy              string `json:"drafted_by"`
	ApprovedBy             string `json:"approved_by"`
	Rows                   []struct {
		Number        int
		Asset, Answer string
		State, Why    string
		AnsweredAt    *time.Time `json:"answered_at"`
	}
}

// order reads an order to a party; the newest that isn't withdrawn, "" none.
func (c *cast) order(ctx context.Context, party string) (o anOrder, err error) {
	if c.orders[party] == "" {
		var list struct{ Items []anOrder }
		if err := c.eyes().get(ctx, "/api/v1/orders?incident="+c.incident, &list); err != nil {
			return o, err
		}
		for _, one := range list.Items {
			if one.Party == party && one.State != "withdrawn" {
				c.orders[party] = one.ID
				c.show("order "+party, "/orders/"+one.ID)
				break
			}
		}
		if c.orders[party] == "" {
			return o, nil
		}
	}
	return o, c.eyes().get(ctx, "/api/v1/orders/"+c.orders[party], &o)
}

// letter reports whether a letter with such words in its subject came to an address.
func (c *cast) letter(to, subject string) bool {
	return slices.ContainsFunc(c.country.mail.Letters(), func(l Letter) bool { return l.To == to && strings.Contains(l.Subject, subject) })
}
