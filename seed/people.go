package seed

import (
	"context"
	"fmt"
	"strings"

	"tocsin/access"
	"tocsin/casebook"
	"tocsin/desk"
	"tocsin/store"
)

// people brings in who is there before anything happens: parties and where they are
// reached, what they hold, and the accounts of those who work.
func (s *story) people(ctx context.Context) (made Made, err error) {
	for n, p := range s.world.people {
		party, err := s.desk.KeepParty(ctx, author, casebook.Party{Name: p.name, Roles: p.roles, Region: p.region, Own: p.own})
		if err != nil {
			return made, err
		}
		s.parties = append(s.parties, party)
		if p.own || n%5 != 0 {
			continue
		}
		if err := s.desk.KeepContact(ctx, author, party.ID, "orders", fmt.Sprintf("mailto:abuse%d@names.example", n), false); err != nil {
			return made, err
		}
	}
	_, err = s.desk.ImportHoldings(ctx, author, desk.Table{Source: "registry", Name: "holdings.csv", Body: strings.NewReader(s.holdings())}, func(r casebook.Refusal) error {
		return fmt.Errorf("holdings of the story, row %d: %s", r.Row, r.Reason)
	})
	if err == nil {
		made, err = s.accounts(ctx)
	}
	return made, err
}

// accounts makes one for each officer, one for each other role, and some of parties.
func (s *story) accounts(ctx context.Context) (Made, error) {
	d := s.dice("password", 0)
	word := func() string { return strings.ToLower(families(2000)[d.IntN(2000)]) }
	made := Made{Officer: officers[0], Abuse: "abuse-1", Password: fmt.Sprintf("%s %s %s %04d", word(), word(), word(), d.IntN(10_000))}
	add := func(name string, of casebook.ID, roles ...string) error {
		_, err := s.desk.AddUser(ctx, author, desk.NewUser{Name: name, Password: made.Password, Roles: roles, Party: of})
		return err
	}
	for n, name := range officers {
		roles := []string{access.Officer}
		if n == 0 {
			roles = []string{access.Administrator, access.Officer}
		}
		if err := add(name, casebook.ID{}, roles...); err != nil {
			return made, err
		}
	}
	for _, role := range access.Roles() {
		if role == access.AbuseDesk || role == access.Officer || role == access.Administrator {
			continue
		}
		if err := add(role, casebook.ID{}, role); err != nil {
			return made, err
		}
	}
	for n := range 4 {
		if err := add(fmt.Sprintf("abuse-%d", n+1), s.parties[s.network[n]].ID, access.AbuseDesk); err != nil {
			return made, err
		}
	}
	return made, nil
}

// stations has those that a platform runs by itself do what there is to do by now, and
// people answer what a rule proposed.
func (s *story) stations(ctx context.Context, tick int) error {
	for {
		graded, err := s.desk.GradeOnce(ctx, s.now)
		if err != nil {
			return err
		}
		if graded == 0 {
			break
		}
	}
	if tick == s.ticks-1 { // by the law of the last day
		if err := s.desk.Settle(ctx); err != nil {
			return err
		}
	}
	waiting, err := s.desk.Reader(casebook.Operator()).WaitingIncidents(ctx, 100)
	if err != nil {
		return err
	}
	for n, i := range waiting {
		if tick == s.ticks-1 && n < 3 {
			continue // these wait still
		}
		if err := s.answer(ctx, i, tick+n); err != nil {
			return err
		}
	}
	for {
		told, err := s.desk.WatchOnce(ctx, s.now)
		if err != nil || told == 0 {
			return err
		}
	}
}

// answer gives a person's yes or no to an incident that a rule proposed. Of what is
// owed then, the first thing is filed by telephone.
func (s *story) answer(ctx context.Context, i casebook.Incident, n int) error {
	d := s.dice("answer", n)
	who := casebook.Actor{Kind: casebook.Person, Name: officers[d.IntN(len(officers))]}
	if d.IntN(5) == 0 {
		_, err := s.desk.Dismiss(ctx, who, i.ID, "a test network of our own")
		return err
	}
	if _, err := s.desk.Confirm(ctx, who, i.ID, desk.Confirmation{Note: "the sizes were checked against a second source"}); err != nil {
		return err
	}
	owed, err := s.desk.Reader(casebook.Operator()).DutiesByDue(ctx, store.DutyFilter{Incident: i.ID, States: []casebook.DutyState{casebook.OpenDuty}}, casebook.ID{}, 1)
	if err != nil || len(owed) == 0 {
		return err
	}
	r, err := s.desk.DraftReport(ctx, who, owed[0].ID)
	if err == nil {
		_, err = s.desk.FileReport(ctx, who, r.ID, desk.Filing{Channel: "phone", Proof: "call sheet of the duty desk"})
	}
	return err
}
