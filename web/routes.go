package web

import (
	"fmt"
	"net/http"
	"strings"

	"tocsin/access"
)

// rules says which permission each route needs, by the router's pattern; who has
// which permission is the one table in access. A route that isn't in it, or a line
// without a route, keeps the program from starting.
var rules = map[string]access.Permission{
	"GET /healthz": access.Open,
	"GET /readyz":  access.Open,
	"GET /metrics": access.ReadMetrics,

	"GET /api/openapi.json": access.Self,

	"POST /api/v1/deliveries":              access.Deliver,
	"GET /api/v1/deliveries":               access.ReadDeliveries,
	"GET /api/v1/deliveries/{id}":          access.ReadDeliveries,
	"GET /api/v1/deliveries/{id}/refusals": access.ReadDeliveries,
	"GET /api/v1/findings":                 access.ReadFindings,
	"GET /api/v1/threats":                  access.ReadThreats,
	"GET /api/v1/threats/{id}":             access.ReadThreats,
	"GET /api/v1/status":                   access.ReadStatus,
	"GET /api/v1/feeds":                    access.ReadFormats,
	"GET /api/v1/ledger/checkpoint":        access.ReadLedger,
	"GET /api/v1/ledger/key":               access.ReadLedger,
	"GET /api/v1/ledger/inclusion":         access.ReadLedger,
	"GET /api/v1/ledger/consistency":       access.ReadLedger,
	"POST /api/v1/holdings/imports":        access.ImportHoldings,
	"GET /api/v1/backup":                   access.BackUp,

	"GET /api/v1/parties":                      access.ReadParties,
	"GET /api/v1/parties/{id}":                 access.ReadParties,
	"POST /api/v1/parties":                     access.KeepParties,
	"POST /api/v1/parties/{id}/end":            access.KeepParties,
	"GET /api/v1/incidents":                    access.ReadIncidents,
	"POST /api/v1/incidents":                   access.OpenIncidents,
	"GET /api/v1/incidents/{id}":               access.ReadIncidents,
	"POST /api/v1/incidents/{id}/confirmation": access.ConfirmIncidents,
	"POST /api/v1/incidents/{id}/dismissal":    access.DismissIncidents,
	"POST /api/v1/incidents/{id}/grades":       access.GradeIncidents,
	"POST /api/v1/incidents/{id}/owner":        access.OwnIncidents,
	"POST /api/v1/incidents/{id}/timeline":     access.NoteIncidents,
	"GET /api/v1/duties":                       access.ReadDuties,
	"GET /api/v1/duties/{id}":                  access.ReadDuties,
	"GET /api/v1/regimes":                      access.ReadRegimes,
	"GET /api/v1/regimes/{id}":                 access.ReadRegimes,
	"GET /api/v1/outbox":                       access.ReadOutbox,
	"POST /api/v1/outbox/{id}/resend":          access.ResendOutbox,
	"GET /api/v1/heartbeat":                    access.ReadHeartbeat,

	"GET /api/v1/me":                   access.Self,
	"POST /api/v1/me/password":         access.Self,
	"GET /api/v1/users":                access.ReadUsers,
	"POST /api/v1/users":               access.ManageUsers,
	"POST /api/v1/users/{id}/roles":    access.ManageUsers,
	"POST /api/v1/users/{id}/password": access.ManageUsers,
	"POST /api/v1/users/{id}/disable":  access.ManageUsers,
	"POST /api/v1/users/{id}/enable":   access.ManageUsers,
	"GET /api/v1/keys":                 access.ReadKeys,
	"POST /api/v1/keys":                access.ManageKeys,
	"POST /api/v1/keys/{id}/revoke":    access.ManageKeys,

	"POST /api/v1/incidents/{id}/closing":     access.CloseIncidents,
	"POST /api/v1/incidents/{id}/voiding":     access.CloseIncidents,
	"GET /api/v1/incidents/{id}/export":       access.ExportCases,
	"GET /api/v1/parties/{id}/contacts":       access.ReadParties,
	"POST /api/v1/parties/{id}/contacts":      access.KeepParties,
	"POST /api/v1/incidents/{id}/corrections": access.CorrectIncidents,
	"POST /api/v1/duties/{id}/steps":          access.StepDuties,
	"GET /api/v1/scorecards":                  access.ReadDuties,
	"GET /api/v1/scorecards/shadow":           access.ReadDuties,

	"GET /api/v1/reports":                access.ReadReports,
	"POST /api/v1/reports":               access.DraftReports,
	"GET /api/v1/reports/{id}":           access.ReadReports,
	"PUT /api/v1/reports/{id}":           access.DraftReports,
	"POST /api/v1/reports/{id}/versions": access.FileReports,
	"POST /api/v1/recipients/{id}":       access.AcknowledgeReports,
	"GET /api/v1/orders":                 access.ReadOrders,
	"POST /api/v1/orders":                access.DraftOrders,
	"GET /api/v1/orders/{id}":            access.ReadOrders,
	"POST /api/v1/orders/{id}/acts":      access.ReadOrders, // and what the act needs, see orderActs
	"POST /api/v1/orders/{id}/answers":   access.AnswerOrders,

	"GET /{$}":             access.ReadStatus,
	"GET /deliveries/{id}": access.ReadDeliveries,
	"GET /threats":         access.ReadThreats,
	"GET /threats/{id}":    access.ReadThreats,
	"GET /static/{file}":   access.Open,
	"GET /signin":          access.Open,
	"POST /signin":         access.Open,
	"POST /signout":        access.Open,
	"GET /setup":           access.Open,
	"POST /setup":          access.Open,

	"GET /duties":                  access.ReadDuties,
	"GET /duties/{id}":             access.ReadDuties,
	"GET /incidents":               access.ReadIncidents,
	"GET /incidents/new":           access.OpenIncidents,
	"GET /incidents/{id}":          access.ReadIncidents,
	"POST /incidents":              access.OpenIncidents,
	"POST /incidents/{id}/confirm": access.ConfirmIncidents,
	"POST /incidents/{id}/dismiss": access.DismissIncidents,
	"POST /incidents/{id}/grade":   access.GradeIncidents,
	"POST /incidents/{id}/take":    access.OwnIncidents,
	"POST /incidents/{id}/give":    access.OwnIncidents,
	"POST /incidents/{id}/release": access.OwnIncidents,
	"POST /incidents/{id}/note":    access.NoteIncidents,
	"GET /regimes":                 access.ReadRegimes,
	"GET /regimes/{id}":            access.ReadRegimes,
	"GET /parties":                 access.ReadParties,
	"POST /parties":                access.KeepParties,
	"GET /outbox":                  access.ReadOutbox,
	"POST /outbox/{id}/resend":     access.ResendOutbox,

	// Reports, orders and answers by pages; how a case ends.
	"POST /duties/{id}/draft":         access.DraftReports,
	"POST /duties/{id}/suspend":       access.StepDuties,
	"POST /duties/{id}/resume":        access.StepDuties,
	"POST /duties/{id}/extend":        access.StepDuties,
	"GET /reports":                    access.ReadReports,
	"GET /reports/{id}":               access.ReadReports,
	"GET /reports/{id}/print":         access.ReadReports,
	"GET /reports/{id}/proof":         access.ReadReports,
	"POST /reports/{id}/write":        access.DraftReports,
	"POST /reports/{id}/file":         access.FileReports,
	"POST /reports/{id}/outside":      access.FileReports,
	"POST /reports/{id}/receipt":      access.AcknowledgeReports,
	"GET /orders":                     access.ReadOrders,
	"GET /orders/new":                 access.DraftOrders,
	"POST /orders":                    access.DraftOrders,
	"GET /orders/{id}":                access.ReadOrders,
	"GET /orders/{id}/rows":           access.ReadOrders,
	"POST /orders/{id}/approve":       access.ApproveOrders,
	"POST /orders/{id}/serve":         access.ServeOrders,
	"POST /orders/{id}/handed":        access.ServeOrders,
	"POST /orders/{id}/withdraw":      access.ServeOrders,
	"POST /orders/{id}/close":         access.ServeOrders,
	"POST /orders/{id}/link":          access.ServeOrders,
	"POST /orders/{id}/unlink":        access.ServeOrders,
	"POST /orders/{id}/answer":        access.AnswerOrders,
	"POST /orders/{id}/table":         access.AnswerOrders,
	"GET /answer/{token}":             access.Open, // the secret in the address is what opens
	"GET /answer/{token}/rows":        access.Open,
	"POST /answer/{token}":            access.Open,
	"POST /answer/{token}/table":      access.Open,
	"POST /incidents/{id}/close":      access.CloseIncidents,
	"POST /incidents/{id}/void":       access.CloseIncidents,
	"POST /incidents/{id}/correct":    access.CorrectIncidents,
	"POST /incidents/{id}/correction": access.CorrectIncidents,
	// The pages of those who run the platform and of those who supervise.
	"GET /parties/{id}":               access.ReadParties,
	"POST /parties/{id}":              access.KeepParties,
	"POST /parties/{id}/end":          access.KeepParties,
	"POST /parties/{id}/contacts":     access.KeepParties,
	"POST /parties/{id}/contacts/end": access.KeepParties,
	"GET /holdings":                   access.ReadHoldings,
	"POST /holdings":                  access.ImportHoldings,
	"GET /feeds":                      access.ReadDeliveries,
	"GET /deliveries":                 access.ReadDeliveries,
	"POST /deliveries":                access.Deliver,
	"GET /outbox/{id}":                access.ReadOutbox,
	"GET /ledger":                     access.ReadLedger,
	"POST /ledger/audit":              access.AuditRecord,
	"GET /scorecards":                 access.ReadDuties,
	"GET /people":                     access.ReadUsers,
	"POST /people":                    access.ManageUsers,
	"GET /people/{id}":                access.ReadUsers,
	"POST /people/{id}/roles":         access.ManageUsers,
	"POST /people/{id}/disable":       access.ManageUsers,
	"POST /people/{id}/enable":        access.ManageUsers,
	"POST /people/{id}/reset":         access.ManageUsers,
	"GET /keys":                       access.ReadKeys,
	"POST /keys":                      access.ManageKeys,
	"POST /keys/{id}/revoke":          access.ManageKeys,
	"GET /account":                    access.Self,
	"POST /account/password":          access.Self,
	"POST /account/elsewhere":         access.Self,
	"GET /join":                       access.Open,
	"POST /join":                      access.Open,

	// Seeing the situation. A search finds of each noun what its permission reads.
	"GET /situation":     access.ReadThreats,
	"GET /findings":      access.ReadFindings,
	"GET /findings.csv":  access.ReadFindings,
	"GET /search":        access.ReadFindings,
	"GET /assets":        access.ReadFindings,
	"GET /api/v1/search": access.ReadFindings,

	// What parties say against lines of their scorecards.
	"GET /api/v1/disputes":                access.ReadDuties,
	"POST /api/v1/disputes":               access.DisputeScores,
	"POST /api/v1/disputes/{id}/decision": access.DecideDisputes,
	"POST /scorecards/disputes":           access.DisputeScores,
	"POST /scorecards/decisions":          access.DecideDisputes,

	// A demonstration's, see guided.
	"GET /demo":        access.Open,
	"POST /demo/seat":  access.Open,
	"POST /demo/steer": access.Open,
}

// guided reports whether a route is there in a demonstration only.
func guided(pattern string) bool { return strings.Contains(pattern, " /demo") }

// routes is a router that takes no route without a rule.
type routes struct {
	mux     *http.ServeMux
	entered map[string]bool
}

func newRoutes() *routes {
	return &routes{http.NewServeMux(), map[string]bool{}}
}

// HandleFunc enters a route.
func (r *routes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	if _, ok := rules[pattern]; !ok {
		panic(fmt.Sprintf("web: %s has no rule: enter it in the table rules, with who may use it", pattern))
	}
	r.entered[pattern] = true
	r.mux.HandleFunc(pattern, handler)
}

// ServeHTTP answers by the route that fits.
func (r *routes) ServeHTTP(w http.ResponseWriter, request *http.Request) { r.mux.ServeHTTP(w, request) }

// complete panics for a rule without a route, and for a route that is there without its
// demonstration.
func (r *routes) complete(demonstrates bool) {
	for pattern := range rules {
		if r.entered[pattern] == (guided(pattern) && !demonstrates) {
			panic(fmt.Sprintf("web: the rule for %s and its route don't agree", pattern))
		}
	}
}

// find gives the pattern that a request fits; none is "", and then missing says
// what to answer: 404, or 405 with the methods that the path has.
func (r *routes) find(request *http.Request) (pattern string, missing *problem) {
	handler, pattern := r.mux.Handler(request)
	if pattern != "" {
		return pattern, nil
	}
	answer := unheard{header: http.Header{}}
	handler.ServeHTTP(&answer, request)
	if answer.status == http.StatusMethodNotAllowed {
		allow := answer.header.Get("Allow")
		missing = newProblem(answer.status, fmt.Sprintf("%s takes %s and not %s", request.URL.Path, allow, request.Method))
		missing.header = http.Header{"Allow": {allow}}
		return "", missing
	}
	return "", newProblem(http.StatusNotFound, fmt.Sprintf("there is nothing at %s", request.URL.Path))
}

// unheard keeps the status and the header of an answer and drops the rest.
type unheard struct {
	header http.Header
	status int
}

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) WriteHeader(status int)      { u.status = status }
func (u *unheard) Write(b []byte) (int, error) { return len(b), nil }
