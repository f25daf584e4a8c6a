package access

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/casebook"
)

var aParty = casebook.ID{1}

// TestTheTable reads the one table the way a person would ask it.
func TestTheTable(t *testing.T) {
	person := func(party casebook.ID, roles ...string) Principal {
		return OfUser(casebook.User{Tenant: 1, Name: "alice", Roles: roles, Party: party})
	}
	machine := func(party casebook.ID, scopes ...string) Principal {
		return OfKey(casebook.AccessKey{Tenant: 1, Name: "sensor", Scopes: scopes, Party: party})
	}
	none := casebook.ID{}
	for _, c := range []struct {
		name string
		who  Principal
		do   Permission
		may  bool
	}{
		{"an officer files", person(none, Officer), FileReports, true},
		{"an officer drafts an order", person(none, Officer), DraftOrders, true},
		{"an officer alone approves none", person(none, Officer), ApproveOrders, false},
		{"a supervisor approves", person(none, Supervisor), ApproveOrders, true},
		{"an administrator works on no case", person(none, Administrator), ConfirmIncidents, false},
		{"an administrator makes accounts", person(none, Administrator), ManageUsers, true},
		{"two roles add up", person(none, Administrator, Officer), ConfirmIncidents, true},
		{"an analyst reads", person(none, Analyst), ReadIncidents, true},
		{"an analyst acts on nothing", person(none, Analyst), NoteIncidents, false},
		{"an auditor sees accounts", person(none, Auditor), ReadUsers, true},
		{"an auditor makes none", person(none, Auditor), ManageUsers, false},
		{"an abuse desk answers orders", person(aParty, AbuseDesk), AnswerOrders, true},
		{"an abuse desk drafts none", person(aParty, AbuseDesk), DraftOrders, false},
		{"an abuse desk without a party is nothing", person(none, AbuseDesk), ReadFindings, false},
		{"an officer of a party is nothing", person(aParty, Officer), ReadFindings, false},
		{"a word that is no role", person(none, "root"), ReadStatus, false},
		{"a key delivers", machine(none, DeliverScope), Deliver, true},
		{"a key that delivers reads no findings", machine(none, DeliverScope), ReadFindings, false},
		{"no key opens a case", machine(none, Scopes()...), OpenIncidents, false},
		{"a key with the name of a role as its scope", machine(none, Administrator), ManageUsers, false},
		{"the platform's own process", Operator("local"), ManageUsers, true},
		{"who isn't known may come to the door", Principal{}, Open, true},
		{"and no further", Principal{}, Self, false},
		{"nobody has the permission that nobody thought of", Operator("local"), "", false},
	} {
		if got := c.who.May(c.do); got != c.may {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
	if got := WhoMay(ApproveOrders); !slices.Equal(got, []string{Supervisor}) {
		t.Errorf("who may approve: %v", got)
	}
}

// TestNoKeyDoesAPersonsAct: of what changes a case a machine's key does nothing.
func TestNoKeyDoesAPersonsAct(t *testing.T) {
	for scope, g := range scopes {
		for _, do := range g.may {
			if do != Deliver && !strings.HasPrefix(string(do), "read ") {
				t.Errorf("the scope %s lets a machine %s", scope, do)
			}
		}
	}
	for word := range roles {
		if About(word) == "" || scopes[word].about != "" {
			t.Errorf("role %s: %q", word, About(word))
		}
	}
}

// TestScopes: only the platform's own see all, and nobody more than their label.
func TestScopes(t *testing.T) {
	none := casebook.ID{}
	user := func(party casebook.ID, roles ...string) Principal {
		return OfUser(casebook.User{Tenant: 1, Name: "alice", Roles: roles, Party: party})
	}
	for _, c := range []struct {
		who  Principal
		want casebook.Scope
	}{
		{Operator("local"), casebook.Operator()},
		{user(none, Officer), casebook.Scope{Tenant: 1, All: true, MaxTLP: casebook.Red}},
		{user(none, Analyst), casebook.Scope{Tenant: 1, All: true, MaxTLP: casebook.AmberStrict}},
		{user(none, Analyst, Auditor), casebook.Scope{Tenant: 1, All: true, MaxTLP: casebook.Red}},
		{user(aParty, AbuseDesk), casebook.Scope{Tenant: 1, Party: aParty, MaxTLP: casebook.Amber}},
		{user(aParty, Officer), casebook.Scope{}},
		{user(none), casebook.Scope{}},
		{Principal{}, casebook.Scope{}},
		{OfKey(casebook.AccessKey{Tenant: 1, Scopes: []string{ReadScope}, Party: aParty}), casebook.Scope{Tenant: 1, Party: aParty, MaxTLP: casebook.AmberStrict}},
	} {
		if got := Scope(c.who); got != c.want {
			t.Errorf("%+v: got %+v, want %+v", c.who, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := Principal{Actor: casebook.Actor{Kind: casebook.ActorKind(rapid.IntRange(0, 2).Draw(t, "kind"))}, Tenant: 1, Party: aParty,
			Roles: rapid.SliceOf(rapid.SampledFrom(Roles())).Draw(t, "roles"), Scopes: rapid.SliceOf(rapid.SampledFrom(Scopes())).Draw(t, "scopes")}
		if s := Scope(p); s.All {
			t.Errorf("%+v sees all: %+v", p, s)
		}
		for _, do := range []Permission{ManageUsers, ManageKeys, ReadUsers, ReadKeys, ReadOutbox, BackUp, ApproveOrders} {
			if p.IsPerson() && p.May(do) {
				t.Errorf("%+v may %s", p, do)
			}
		}
	})
}

func TestRolesFitWhereOneBelongs(t *testing.T) {
	for _, c := range []struct {
		roles   []string
		ofParty bool
		ok      bool
	}{{[]string{Officer, Auditor}, false, true}, {[]string{AbuseDesk}, true, true}, {[]string{AbuseDesk}, false, false}, {[]string{Officer}, true, false},
		{[]string{AbuseDesk, Auditor}, true, false}, {nil, false, false}, {[]string{"root"}, false, false}} {
		if err := CheckRoles(c.roles, c.ofParty); (err == nil) != c.ok || err != nil && !errors.Is(err, casebook.ErrInvalid) {
			t.Errorf("%v, of a party %v: got %v", c.roles, c.ofParty, err)
		}
	}
	if CheckScopes(nil) == nil || CheckScopes([]string{"root"}) == nil || CheckScopes([]string{WatchScope}) != nil {
		t.Error("scopes are taken wrongly")
	}
}

func TestPasswords(t *testing.T) {
	for password, want := range map[string]string{
		"five green herons wade": "", "ÄÖÜ heißt es im Lied": "", "一二三四五 六七八九十 甲乙丙丁": "", strings.Repeat("horse battery ", 18): "",
		"fourteen chars": "14 characters", "": "0 characters", strings.Repeat("horse battery ", 19): "256 are enough", strings.Repeat("ab", 10): "2 different",
		"abcdefghijklmnopqrstuvwxyz": "a run", "1234567890123456": "a run", "aliceAliceALICEalice": "tried first", "tocsinpasswordqwerty": "tried first", "five green \xff herons wade": "UTF-8",
	} {
		err := CheckPassword("alice", password)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !errors.Is(err, casebook.ErrInvalid)) {
			t.Errorf("%q: got %v, want %q", password, err, want)
		}
		if err != nil && len(password) > 3 && strings.Contains(err.Error(), password) {
			t.Errorf("the refusal tells the password: %v", err)
		}
	}
	hashed := HashPassword("five green herons wåde") // one way of writing å
	for password, want := range map[string]bool{"five green herons wåde": true, "five green herons wa\u030ade": true, "five green herons wade": false, "": false} {
		if got := VerifyPassword(hashed, password); got != want {
			t.Errorf("%q: got %v", password, got)
		}
	}
	if !strings.HasPrefix(hashed, "$argon2id$v=19$m=65536,t=3,p=4$") || HashPassword("five green herons wåde") == hashed {
		t.Errorf("got %s", hashed)
	}
	for _, bad := range []string{"", "hash", "$argon2i$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$AAAA", strings.Replace(hashed, "m=65536", "m=4294967295", 1), strings.Replace(hashed, "t=3", "t=0", 1), strings.Replace(hashed, "v=19", "v=16", 1), hashed[:len(hashed)-20]} {
		if VerifyPassword(bad, "five green herons wåde") {
			t.Errorf("%q verifies", bad)
		}
	}
}

func TestSecrets(t *testing.T) {
	s := NewSecret(KeyPrefix)
	if s.Text == NewSecret(KeyPrefix).Text || len(s.Text) != len(KeyPrefix)+26 || !Same(s.Digest, s.Text) || Same(s.Digest, s.Text+"A") || Same(s.Digest, "") {
		t.Errorf("got %v", s)
	}
	if got := s.Shown(); got != s.Text[:len(KeyPrefix)+6] {
		t.Errorf("shown: %q", got)
	}
}

func TestThrottle(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	home, next, away := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8"), netip.MustParseAddr("2001:db8:1::1")
	var b Throttle
	for range freeTries {
		b.Failed("alice", home, at)
	}
	if w := b.Wait("alice", home, at); w != 0 {
		t.Errorf("after %d failures: %v", freeTries, w)
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		b.Failed("alice", home, at)
		if got := b.Wait("alice", away, at); got != want*time.Second {
			t.Errorf("failure %d, the name from elsewhere: got %v, want %v", i, got, want*time.Second)
		}
	}
	if got := b.Wait("bob", home, at); got != 128*time.Second {
		t.Errorf("the place with another name: got %v", got)
	}
	if got := b.Wait("bob", next, at); got != 0 {
		t.Errorf("the neighbour: got %v", got)
	}
	for range 40 {
		b.Failed("carol", away, at)
	}
	if got := b.Wait("dave", netip.MustParseAddr("2001:db8:1::ffff"), at); got != maxWait {
		t.Errorf("the same customer in IPv6: got %v", got)
	}
	b.Passed("Alice")
	if got := b.Wait("alice", away.Next(), at.Add(maxWait)); got != 0 {
		t.Errorf("after signing in: got %v", got)
	}
	if b.Failed("carol", away, at.Add(forgetting+time.Hour)); b.Wait("carol", away, at.Add(forgetting+time.Hour)) != 0 {
		t.Error("a day later the failures are still held against it")
	}
	for i := range maxTries + 500 {
		b.Failed(fmt.Sprint(i), netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), at.Add(48*time.Hour))
	}
	if len(b.tries) > maxTries {
		t.Errorf("%d tries are remembered, at most %d", len(b.tries), maxTries)
	}
}

// FuzzVerifyPassword: whatever the database says and the person types, an answer comes.
func FuzzVerifyPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2E$AAAAAAAAAAAAAAAAAAAAAA", "password")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, hashed, password string) {
		if strings.Contains(hashed, "m=") && len(hashed) > 200 {
			t.Skip()
		}
		CheckPassword("alice", password)
		if hashed != "" && !strings.Contains(hashed, "argon2id") && VerifyPassword(hashed, password) {
			t.Errorf("%q verifies %q", hashed, password)
		}
	})
}

// TestWhoMovesALegalMomentSeesTheWholeCase: a correction and a step of a duty answer with
// the case and move what every party of it owes, so that nobody of a party, and no
// program, has them.
func TestWhoMovesALegalMomentSeesTheWholeCase(t *testing.T) {
	for _, do := range []Permission{CorrectIncidents, StepDuties} {
		may := WhoMay(do)
		if !slices.Equal(may, []string{Officer, Supervisor}) {
			t.Errorf("%s: %v may", do, may)
		}
		for _, role := range may {
			if p := OfUser(casebook.User{Tenant: 1, Name: "alice", Roles: []string{role}}); !Scope(p).All {
				t.Errorf("%s may %s and doesn't see the case", role, do)
			}
			if p := OfUser(casebook.User{Tenant: 1, Name: "alice", Roles: []string{role}, Party: aParty}); p.May(do) {
				t.Errorf("%s of a party may %s", role, do)
			}
		}
		for _, scope := range Scopes() {
			if p := OfKey(casebook.AccessKey{Tenant: 1, Name: "sensor", Scopes: []string{scope}}); p.May(do) {
				t.Errorf("a program with the scope %s may %s", scope, do)
			}
		}
	}
}
