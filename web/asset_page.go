package web

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tocsin/casebook"
	"tocsin/store"
)

// assetView is the page of one address or name.
type assetView struct {
	Asset    string
	Day      string // as of which it is asked for, "" none
	Now      time.Time
	At       time.Time // the end of that day
	Held     casebook.Attribution
	Findings []assetFinding
	Tenures  []store.Tenure
	Orders   []store.OrderedAsset
	Platform bool // who sees the page may know who holds what
	OnOrders bool // orders have pages
}

// Itself is the address of the page as of now.
func (v assetView) Itself() string { return assetPage(v.Asset) }

// assetFinding is a finding, and whether it was seen on the day that was asked for.
type assetFinding struct {
	casebook.Finding
	Seen bool
}

// assetObject is an asset as the API shows it.
type assetObject struct {
	Kind     string          `json:"kind"`
	Asset    string          `json:"asset"`
	Holder   string          `json:"holder"`
	ASN      uint32          `json:"asn"`
	Party    string          `json:"party"`
	Region   string          `json:"region"`
	Findings []findingLine   `json:"findings"`
	Tenures  []tenureObject  `json:"attributed"`
	Orders   []orderedObject `json:"orders"`
}

type tenureObject struct {
	Party     string    `json:"party"`
	Holder    string    `json:"holder"`
	ASN       uint32    `json:"asn"`
	Region    string    `json:"region"`
	Threat    string    `json:"threat"`
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
	Count     int64     `json:"count"`
}

type orderedObject struct {
	Order   string `json:"order"`
	Task    string `json:"task"`
	Measure string `json:"measure"`
	Party   string `json:"party"`
	State   string `json:"state"`
	Row     string `json:"row"`
	Answer  string `json:"answer"`
}

// readAsset reads an asset of which there is a page: an address, a name or a URL.
func readAsset(text string) (casebook.Asset, error) {
	text = strings.TrimSpace(text)
	if a, err := netip.ParseAddr(text); err == nil {
		return casebook.AddrAsset(a), nil
	}
	if strings.Contains(text, "://") {
		return casebook.Asset{Kind: casebook.URL, Name: text}, nil // as it is listed, which is canonical
	}
	a, err := casebook.DomainAsset(text)
	if err != nil {
		return a, fmt.Errorf("%.80q is no address, no name and no URL: %w", text, casebook.ErrNotFound)
	}
	return a, nil
}

// pageOfAsset is the address of the page of an asset, "" where it has none.
func pageOfAsset(a casebook.Asset) string {
	switch a.Kind {
	case casebook.IPv4Addr, casebook.IPv6Addr, casebook.DomainName, casebook.URL:
		return assetPage(a.String())
	}
	return ""
}

func (s *server) assetsPage(x *exchange) error {
	query := x.request.URL.Query()
	a, err := readAsset(query.Get("of"))
	if err != nil {
		return err
	}
	v := assetView{Asset: a.String(), Now: s.desk.Now(), Day: query.Get("day"), Platform: x.caller.scope.All, OnOrders: s.routes.entered["GET /orders/{id}"]}
	v.At = v.Now
	if v.Day != "" {
		day, err := time.Parse(time.DateOnly, v.Day)
		if err != nil {
			return fmt.Errorf("day=%.20q is no day: %w", v.Day, casebook.ErrInvalid)
		}
		v.At = day.Add(24*time.Hour - time.Second)
	}
	ctx, r := x.request.Context(), s.desk.Reader(x.caller.scope)
	found, err := r.AssetFindings(ctx, a)
	if err != nil {
		return ours(err)
	}
	for _, f := range found {
		if !f.FirstSeen.After(v.At) {
			v.Findings = append(v.Findings, assetFinding{f, f.Days.Has(casebook.DayOf(v.At))})
		}
	}
	if v.Tenures, err = r.Tenures(ctx, a); err != nil {
		return err
	}
	if v.Orders, err = r.AssetOrders(ctx, a); err != nil {
		return err
	}
	if v.Platform { // of what others hold a party is told nothing
		v.Held = s.desk.HeldBy(a, v.At)
	}
	return s.render(x, "assets", v, v.object())
}

func (v assetView) object() assetObject {
	o := assetObject{Kind: "asset", Asset: v.Asset, Holder: v.Held.Holder, ASN: v.Held.ASN, Party: v.Held.Party, Region: v.Held.Region, Findings: []findingLine{}, Tenures: []tenureObject{}, Orders: []orderedObject{}}
	for _, f := range v.Findings {
		o.Findings = append(o.Findings, findingLine(f.Finding))
	}
	for _, t := range v.Tenures {
		o.Tenures = append(o.Tenures, tenureObject{t.Party, t.Holder, t.ASN, t.Region, t.Threat, t.FirstSeen, t.LastSeen, t.Observation})
	}
	for _, w := range v.Orders {
		o.Orders = append(o.Orders, orderedObject{w.Order.Text(casebook.OrderPrefix), w.Task, w.Measure, w.Party, w.State.String(), w.Row.String(), w.Answer.String()})
	}
	return o
}
