package web

import (
	"fmt"
	"net/http"
)

// access says who may use a route.
type access int

const (
	// operator: who runs the platform, by key, by a trusted listener or from
	// loopback. It is the zero value: what nobody thought about is closed.
	operator access = iota
	// open: everybody, without a key.
	open
)

// rules is the one table of who may do what, by the router's pattern. A route
// that isn't in it, or a line without a route, keeps the program from starting.
var rules = map[string]access{
	"GET /healthz": open,
	"GET /readyz":  open,
	"GET /metrics": operator,

	"GET /api/openapi.json": operator,

	"POST /api/v1/deliveries":              operator,
	"GET /api/v1/deliveries":               operator,
	"GET /api/v1/deliveries/{id}":          operator,
	"GET /api/v1/deliveries/{id}/refusals": operator,
	"GET /api/v1/findings":                 operator,
	"GET /api/v1/threats":                  operator,
	"GET /api/v1/threats/{id}":             operator,
	"GET /api/v1/status":                   operator,
	"GET /api/v1/feeds":                    operator,
	"GET /api/v1/ledger/checkpoint":        operator,
	"GET /api/v1/ledger/key":               operator,
	"GET /api/v1/ledger/inclusion":         operator,
	"GET /api/v1/ledger/consistency":       operator,
	"POST /api/v1/holdings/imports":        operator,
	"GET /api/v1/backup":                   operator,

	"GET /api/v1/parties":                      operator,
	"POST /api/v1/parties":                     operator,
	"GET /api/v1/incidents":                    operator,
	"POST /api/v1/incidents":                   operator,
	"GET /api/v1/incidents/{id}":               operator,
	"POST /api/v1/incidents/{id}/confirmation": operator,
	"POST /api/v1/incidents/{id}/dismissal":    operator,
	"POST /api/v1/incidents/{id}/grades":       operator,
	"POST /api/v1/incidents/{id}/owner":        operator,
	"POST /api/v1/incidents/{id}/corrections":  operator,
	"POST /api/v1/incidents/{id}/timeline":     operator,
	"POST /api/v1/incidents/{id}/closing":      operator,
	"POST /api/v1/incidents/{id}/voiding":      operator,
	"GET /api/v1/parties/{id}/contacts":        operator,
	"POST /api/v1/parties/{id}/contacts":       operator,
	"GET /api/v1/incidents/{id}/export":        operator,
	"GET /api/v1/duties":                       operator,
	"GET /api/v1/duties/{id}":                  operator,
	"POST /api/v1/duties/{id}/steps":           operator,
	"GET /api/v1/scorecards":                   operator,
	"GET /api/v1/scorecards/shadow":            operator,
	"GET /api/v1/regimes":                      operator,
	"GET /api/v1/regimes/{id}":                 operator,
	"GET /api/v1/outbox":                       operator,
	"POST /api/v1/outbox/{id}/resend":          operator,
	"GET /api/v1/reports":                      operator,
	"POST /api/v1/reports":                     operator,
	"GET /api/v1/reports/{id}":                 operator,
	"PUT /api/v1/reports/{id}":                 operator,
	"POST /api/v1/reports/{id}/versions":       operator,
	"POST /api/v1/recipients/{id}":             operator,
	"GET /api/v1/orders":                       operator,
	"POST /api/v1/orders":                      operator,
	"GET /api/v1/orders/{id}":                  operator,
	"POST /api/v1/orders/{id}/acts":            operator,
	"POST /api/v1/orders/{id}/answers":         operator,
	"GET /api/v1/heartbeat":                    operator,

	"GET /{$}":             operator,
	"GET /deliveries/{id}": operator,
	"GET /threats":         operator,
	"GET /threats/{id}":    operator,
	"GET /static/{file}":   operator,

	"GET /duties":                  operator,
	"GET /duties/{id}":             operator,
	"GET /incidents":               operator,
	"GET /incidents/new":           operator,
	"GET /incidents/{id}":          operator,
	"POST /incidents":              operator,
	"POST /incidents/{id}/confirm": operator,
	"POST /incidents/{id}/dismiss": operator,
	"POST /incidents/{id}/grade":   operator,
	"POST /incidents/{id}/take":    operator,
	"POST /incidents/{id}/give":    operator,
	"POST /incidents/{id}/release": operator,
	"POST /incidents/{id}/note":    operator,
	"GET /regimes":                 operator,
	"GET /regimes/{id}":            operator,
	"GET /parties":                 operator,
	"POST /parties":                operator,
	"GET /outbox":                  operator,
	"POST /outbox/{id}/resend":     operator,
}

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

// complete panics for a rule without a route.
func (r *routes) complete() {
	for pattern := range rules {
		if !r.entered[pattern] {
			panic(fmt.Sprintf("web: the rule for %s has no route", pattern))
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
