package watch

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"tocsin/courier"
)

// platform is one that answers in this process, by its own handler.
type platform struct {
	mu     sync.Mutex
	down   bool
	hangs  bool
	status int
	stall  time.Time // when its watch loop stopped
	due    []Due
	asked  int
	key    string // of the newest request
}

// RoundTrip implements http.RoundTripper without a wire.
func (p *platform) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	down, hangs := p.down, p.hangs
	p.asked++
	p.key = r.Header.Get("Authorization")
	p.mu.Unlock()
	if hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if down {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != 0 {
		http.Error(w, "no", p.status)
		return
	}
	if r.URL.Path != "/api/v1/heartbeat" {
		http.NotFound(w, r)
		return
	}
	watched := time.Now()
	if !p.stall.IsZero() {
		watched = p.stall
	}
	json.NewEncoder(w).Encode(map[string]any{"kind": "heartbeat", "instance": "log_1", "now": time.Now().UTC().Format(time.RFC3339Nano), "started": "2000-01-01T00:00:00Z",
		"watched_at": watched.UTC().Format(time.RFC3339Nano), "clock_offset_ms": 0.5, "clock_known": true, "checkpoint": "", "open": len(p.due), "due": p.due})
}

func (p *platform) set(change func(*platform)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// phone keeps what contacts were sent.
type phone struct {
	mu     sync.Mutex
	dead   map[string]error
	said   string
	rings  []string // "contact kind"
	byID   map[string]int
	latest map[string]time.Time
}

func (p *phone) send(_ context.Context, contact string, m courier.Message) (courier.Proof, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.dead[contact]; err != nil {
		return courier.Proof{}, err
	}
	p.rings = append(p.rings, contact+" "+m.Kind)
	if p.byID == nil {
		p.byID, p.latest = map[string]int{}, map[string]time.Time{}
	}
	p.byID[contact+" "+m.ID]++
	p.latest[contact+" "+m.Kind] = time.Now()
	return courier.Proof{Said: p.said}, nil
}

func (p *phone) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	rings := p.rings
	p.rings = nil
	slices.Sort(rings)
	return rings
}
