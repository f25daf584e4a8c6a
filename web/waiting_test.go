package web

import (
	"net/http"
	"strings"
	"testing"

	"tocsin/access"
)

// TestWhatWaits: the first page shows each reader the orders that wait for them, and
// whoever keeps silent about a filing; a draft isn't shown to who wrote it.
func TestWhatWaits(t *testing.T) {
	g := newGrounds(t)
	made := g.objects["own"]
	local := New(g.desk, Options{Trusted: true})
	draft := post[wholeOrder](t, local, "/api/v1/orders", withNames(`{"as":"wang","incident":"INCIDENT","party":"PARTY","findings":["FINDING"],"measure":"clean","limit_s":86400}`, made), 201)
	queue := func(role string) string {
		answer := g.visit(g.walker(t, role), "GET", "/", "")
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d", role, answer.Code)
		}
		return answer.Body.String()
	}
	if text := queue(access.Supervisor); !strings.Contains(part(t, text, "waiting"), `/orders/`+draft.ID+`">Approve: `) {
		t.Errorf("a supervisor isn't shown the draft:\n%s", part(t, text, "waiting"))
	}
	if text := queue(access.Officer); strings.Contains(text, draft.ID) {
		t.Error("an officer, who doesn't approve, is shown the draft")
	}
	text := part(t, queue(access.AbuseDesk), "waiting")
	if !strings.Contains(text, `/orders/`+made["orders"]+`">Answer: `) || strings.Contains(text, draft.ID) || strings.Contains(text, g.objects["other"]["orders"]) {
		t.Errorf("the party is shown\n%s", text)
	}
	// Its author is the second person of others' drafts, and not of their own.
	post[wholeOrder](t, local, "/api/v1/orders/"+draft.ID+"/acts", `{"as":"li","act":"withdraw","reason":"written anew"}`, 200)
	supervisor := g.walker(t, access.Supervisor)
	supervisor.headers = append(supervisor.headers, "Content-Type", "application/json")
	own := read[wholeOrder](t, g.visit(supervisor, "POST", "/api/v1/orders", withNames(`{"incident":"INCIDENT","party":"PARTY","findings":["FINDING"],"measure":"clean","limit_s":86400}`, made)), http.StatusCreated)
	if text := queue(access.Supervisor); strings.Contains(text, own.ID) {
		t.Error("a supervisor is asked to approve their own draft")
	}
}
