package report_test

import (
	"net/netip"
	"testing"
	"time"

	"tocsin/casebook"
	"tocsin/report"
)

func id(n byte) casebook.ID {
	return casebook.ID{0x01, 0x9c, 0xea, 0, 0, n, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, n}
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	m, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return m.UTC()
}

func domain(t testing.TB, name string) casebook.Asset {
	t.Helper()
	a, err := casebook.DomainAsset(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func addr(s string) casebook.Asset { return casebook.AddrAsset(netip.MustParseAddr(s)) }

// matter is a botnet of a hundred thousand with two controllers, a distributor and
// a bot behind a shared address.
func matter(t testing.TB) report.Matter {
	first, last := at(t, "2026-03-14T00:00:07.125Z"), at(t, "2026-03-14T05:59:59Z")
	row := func(n int, a casebook.Asset, port uint16, role casebook.Role, count int64) report.Row {
		return report.Row{
			Number: n, Finding: id(byte(100 + n)), Asset: a, Port: port, Transport: casebook.TCP, Role: role, Name: "Drone",
			First: first.Add(time.Duration(n) * time.Second), Last: last, Count: count, ASN: 64500, Holder: "Example Hosting, Ltd.",
			Region: "CN-11", Confidence: 0.9, Evidence: "delivery " + id(90).Text(casebook.DeliveryPrefix) + " row 17",
		}
	}
	return report.Matter{
		At: at(t, "2026-03-14T07:10:00Z"),
		Incident: casebook.Incident{
			ID: id(1), Category: casebook.BotnetIncident, Title: "Drone botnet in the network of Example Telecom",
			Mark: casebook.Mark{Region: "CN-11", TLP: casebook.Amber}, Threat: id(2), OpenedAt: at(t, "2026-03-14T06:31:00Z"),
		},
		Party:  casebook.Party{ID: id(3), Name: "Example Telecom", Roles: []string{"network_operator"}, Region: "CN-11"},
		Filler: "alice", Phone: "+86 10 5550 0100",
		Threat: casebook.Threat{
			ID: id(2), Name: "Drone", Family: "Drone", FirstSeen: first, LastSeen: last, Count: 4120, Findings: 3,
			Sizes: []casebook.Size{{Role: casebook.Bot, UniqueTotal: 250000,
				Unique24h: casebook.Interval{Low: 98000, Point: 101000, High: 104000}, Concurrent1h: casebook.Interval{Low: 20100, Point: 20100, High: 20100}}},
		},
		Grades: []casebook.Grade{
			{ID: id(4), Regime: "cn-miit-2009-156", Standing: casebook.Proposed, Level: "general"},
			{ID: id(5), Regime: "cn-miit-2009-156", Standing: casebook.ConfirmedHere, Level: "relatively_serious", By: "person:alice",
				Figures: casebook.Facts{"controlled_addresses_unique_24h": casebook.IntervalValue(casebook.Interval{Low: 98000, Point: 101000, High: 104000})}},
			{ID: id(6), Regime: "eu-nis2", Standing: casebook.DeterminedBy, Level: "significant"},
		},
		Facts: casebook.Facts{"outage_minutes": casebook.NumberValue(42)},
		Rows: []report.Row{
			row(1, addr("203.0.113.7"), 8443, casebook.Controller, 1204),
			row(2, domain(t, "c2.example.net"), 443, casebook.Controller, 90),
			row(3, casebook.Asset{Kind: casebook.URL, Name: "http://dl.example.org/a.exe"}, 0, casebook.Distributor, 3),
			row(4, addr("2001:db8::25"), 40123, casebook.Bot, 41),
		},
		Timeline: []casebook.Anchor{
			{ID: id(7), Kind: casebook.Occurred, At: at(t, "2026-03-13T22:00:00Z"), Zone: "+08:00", RecordedAt: at(t, "2026-03-14T06:32:00Z"), By: "person:alice"},
			{ID: id(8), Kind: casebook.Occurred, At: at(t, "2026-03-14T00:00:07Z"), Zone: "+08:00", RecordedAt: at(t, "2026-03-14T06:40:00Z"), By: "person:alice", Supersedes: id(7), Note: "the first sinkhole hit, not the first ticket"},
			{ID: id(9), Kind: casebook.Confirmed, At: at(t, "2026-03-14T06:35:00Z"), RecordedAt: at(t, "2026-03-14T06:35:00Z"), By: "person:alice"},
		},
		Orders: []report.Ordered{{Order: casebook.Order{State: casebook.ServedOrder, Task: "CN-11-2026-000122-7", PartyName: "Example Hosting, Ltd.", Measure: "disconnect",
			ServedAt: at(t, "2026-03-14T06:50:00Z")}, Rows: 2, Answered: 2, Verified: 1, Reopened: 1}},
		Duty: casebook.Duty{ID: id(10), Regime: "cn-miit-2009-156", Stage: "level1_report", Anchor: "detection", Article: "art. 9",
			Started: at(t, "2026-03-14T06:35:00Z"), Due: at(t, "2026-03-14T08:35:00Z"), Zone: "Asia/Shanghai"},
		Stage: report.Stage{Regime: "cn-miit-2009-156", ID: "level1_report", Name: "First report", Article: "art. 9", Pack: "sha256:00",
			Content: []string{"time of occurrence", "first judgement of scope and harm", "emergency measures taken", "suggestions", "may follow: cause"}},
		To:   []report.Addressee{{Role: "authority", Name: "Ministry bureau"}, {Role: "centre", Name: "National CERT", Copy: true}},
		Task: "",
	}
}

func origin() report.Origin {
	return report.Origin{Org: "Example Telecom CERT", Domain: "cert.example.net", Contact: "duty@cert.example.net"}
}

// filed is the matter's form as version 1.
func filed(t testing.TB) report.Form {
	f := report.Draft(matter(t))
	f.Report, f.Version = id(20), 1
	f, err := f.With([]casebook.FormField{
		{ID: "behaviour", Value: "Scans for telnet; waits for orders.\nNo attack seen yet.", From: "person:alice"},
		{ID: "proposals", Value: "=HYPERLINK(\"http://example.org\")", From: "person:alice", Secret: true},
		{ID: "cause", Value: "尚不清楚", From: "person:alice"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// instruction is an order over the matter's rows 1, 2 and 4.
func instruction(t testing.TB) report.Instruction {
	task, err := report.NewTaskNumber("CN-11", 2026, 123)
	if err != nil {
		t.Fatal(err)
	}
	o := report.Instruction{
		Order: casebook.Order{
			ID: id(30), Incident: id(1), Party: id(31), PartyName: "Example Hosting, Ltd.", By: id(3), State: casebook.ServedOrder,
			Measure: "disconnect", Power: "cn-miit-2017-202/order_measures", Article: "art. 9", Form: "by phone when urgent, then written",
			Task: task.String(), Limit: 24 * time.Hour, Text: "The machines below control a botnet. Take them off the network and keep their disks.",
			DraftedBy: "person:alice", ApprovedBy: "person:bob", ServedAt: at(t, "2026-03-14T08:00:00Z"), Due: at(t, "2026-03-15T08:00:00Z"),
		},
		Issuer: "Beijing administration", Power: "measures against a threat can be ordered", Confidence: "memory",
		Appeal: "objection within 10 working days", AppealTo: "Ministry bureau, appeals@example.net",
		AnswerTo: "orders@example.net", Contact: "+86 10 5550 0199", Zone: "Asia/Shanghai",
	}
	for _, r := range matter(t).Rows {
		if r.Role == casebook.Distributor {
			continue
		}
		o.Rows = append(o.Rows, report.OrderRow{What: r.Name, OrderRow: casebook.OrderRow{
			Order: id(30), Number: len(o.Rows) + 1, Finding: r.Finding, Asset: r.Asset, Port: r.Port, Role: r.Role, FirstSeen: r.First, LastSeen: r.Last,
		}})
	}
	return o
}
