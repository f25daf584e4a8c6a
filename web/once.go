package web

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/store"
)

// How long a key for a repeated request may be, and how long a body that is held in
// memory may be while its answer is looked up.
const (
	maxOnceKey  = 255
	maxOnceBody = 1 << 20
)

// bodies are the routes whose body is taken as it comes and may be of any length. They
// take the same content once, whatever the key: where the answer to one was lost it is
// done again.
var bodies = map[string]bool{"POST /api/v1/deliveries": true, "POST /api/v1/holdings/imports": true, "POST /api/v1/orders/{id}/answers": true}

// secretive are the routes whose answer holds a secret: it is given once and kept
// nowhere, with a key or without.
var secretive = map[string]bool{"POST /api/v1/keys": true}

// madeOnce are the forms that make something new: one that is sent twice, by two clicks or
// by loading its answer again, makes it once. Such a form has a hidden field with a name
// of its own, which the page gave it.
var madeOnce = map[string]bool{"POST /incidents": true, "POST /incidents/{id}/note": true, "POST /orders": true}

// onceField is the hidden field of such a form.
const onceField = "once"

// onceWait is how long a form that is sent again waits for the first to be done.
const onceWait = 10 * time.Second

// formOnce answers a form of madeOnce: as any, or where it was sent before by leading to
// where that led.
func (s *server) formOnce(x *exchange, pattern string) error {
	r := x.request
	text, err := io.ReadAll(x.body(maxForm))
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	values, err := url.ParseQuery(string(text))
	name := values.Get(onceField)
	if err != nil || name == "" || len(name) > maxOnceKey {
		s.routes.ServeHTTP(x, r)
		return nil
	}
	// Other words in the same form are another thing: nothing that somebody typed is dropped.
	a := store.Answer{Request: sha256.Sum256(text)}
	a.Key = sha256.Sum256(fmt.Appendf(nil, "form %d %q %q %q %x", x.caller.scope.Tenant, x.caller.actor, r.URL.Path, name, a.Request))
	for begun := time.Now(); ; {
		if _, busy := s.asked.LoadOrStore(a.Key, true); !busy {
			break
		}
		if time.Since(begun) > onceWait || r.Context().Err() != nil {
			return newProblem(http.StatusConflict, "the same form is still being worked on: look for what it made before you send it again")
		}
		time.Sleep(50 * time.Millisecond)
	}
	defer s.asked.Delete(a.Key)
	old, known, err := s.desk.Answered(r.Context(), a.Key)
	switch {
	case err != nil:
		return err
	case known && old.Status == http.StatusSeeOther:
		http.Redirect(x, r, string(old.Body), http.StatusSeeOther)
		return nil
	case known:
		return newProblem(http.StatusConflict, "this form was sent before, and what it asked for was done: look for what it made before you send it again")
	}
	x.request = r.WithContext(store.Once(r.Context(), a))
	s.routes.ServeHTTP(x, x.request)
	if to := x.Header().Get("Location"); x.status == http.StatusSeeOther && to != "" {
		a.Status, a.Body = x.status, []byte(to)
		return s.desk.KeepAnswer(context.WithoutCancel(r.Context()), a)
	}
	return nil
}

// once answers an exchange: by its route, or where its Idempotency-Key was used before
// by the answer that was given then (draft-ietf-httpapi-idempotency-key-header). A key
// belongs to who sent it. What is kept of key and body are digests, the body's made
// with the key, so that nobody guesses a password from it.
func (s *server) once(x *exchange, pattern string) {
	r := x.request
	if madeOnce[pattern] && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if err := s.formOnce(x, pattern); err != nil {
			s.refuse(x, x.problem(err))
		}
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" || r.Method != http.MethodPost && r.Method != http.MethodPut || !strings.HasPrefix(pattern, r.Method+" /api/") {
		s.routes.ServeHTTP(x, r)
		return
	}
	if len(key) > maxOnceKey {
		s.refuse(x, newProblem(http.StatusBadRequest, fmt.Sprintf("Idempotency-Key has %d octets, at most %d are taken", len(key), maxOnceKey)))
		return
	}
	a := store.Answer{Key: sha256.Sum256(fmt.Appendf(nil, "%d %q %q", x.caller.scope.Tenant, x.caller.actor, key))}
	if _, busy := s.asked.LoadOrStore(a.Key, true); busy {
		p := newProblem(http.StatusConflict, "the first request with this Idempotency-Key is still being worked on: ask again in a moment")
		p.header = http.Header{"Retry-After": {"1"}}
		s.refuse(x, p)
		return
	}
	defer s.asked.Delete(a.Key)
	digest := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(digest, "%s %q\n", r.Method, r.URL.RequestURI())
	if err := s.answerOnce(x, pattern, a, digest); err != nil {
		s.refuse(x, x.problem(err))
	}
}

func (s *server) answerOnce(x *exchange, pattern string, a store.Answer, digest hash.Hash) error {
	old, known, err := s.desk.Answered(x.request.Context(), a.Key)
	if err != nil {
		return err
	}
	if known && old.Status == 0 && bodies[pattern] {
		known = false
	}
	if !bodies[pattern] || known {
		if err := x.hold(digest, known && bodies[pattern]); err != nil {
			return err
		}
		a.Request = [32]byte(digest.Sum(nil))
	}
	switch {
	case known && old.Request != a.Request:
		return newProblem(http.StatusConflict, "this Idempotency-Key was used for another request: take a new one for each")
	case known && old.Status == 0:
		return newProblem(http.StatusConflict, "this was done, and its answer can't be given again: look for what it made before you send it with another Idempotency-Key")
	case known:
		x.Header().Set("Content-Type", old.MediaType)
		x.Header().Set("Idempotency-Replayed", "true")
		x.WriteHeader(old.Status)
		_, err := x.Write(old.Body)
		return err
	}
	return s.answerFirst(x, pattern, a, digest)
}

// answerFirst does what is asked and keeps the answer before it is given.
func (s *server) answerFirst(x *exchange, pattern string, a store.Answer, digest hash.Hash) error {
	r := x.request
	if bodies[pattern] {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, digest), r.Body}
	} else {
		r = r.WithContext(store.Once(r.Context(), a))
	}
	out := x.ResponseWriter
	held := &heldAnswer{header: out.Header(), status: http.StatusOK}
	x.ResponseWriter = held
	defer func() { x.ResponseWriter = out }() // the handler may panic
	s.routes.ServeHTTP(x, r)
	x.ResponseWriter = out
	if bodies[pattern] {
		a.Request = [32]byte(digest.Sum(nil))
	}
	// A fault of ours is no answer: the same request may be sent again. Nor is what was
	// given up with half of its body read.
	keep := held.status < http.StatusInternalServerError && held.status != http.StatusRequestTimeout
	if bodies[pattern] { // what was refused may not have been read to its end
		keep = held.status < http.StatusMultipleChoices
	}
	if keep {
		a.Status, a.MediaType, a.Body = held.status, held.header.Get("Content-Type"), held.body.Bytes()
		if secretive[pattern] && held.status < http.StatusMultipleChoices {
			a.Status, a.Body = 0, nil
		}
		if err := s.desk.KeepAnswer(context.WithoutCancel(r.Context()), a); err != nil {
			x.status = 0
			return err
		}
	}
	out.WriteHeader(held.status)
	_, err := x.Write(held.body.Bytes())
	if err != nil {
		return nil // the client is gone
	}
	return nil
}

// hold reads the body into a digest, and into memory unless it is dropped.
func (x *exchange) hold(digest io.Writer, drop bool) error {
	if drop {
		_, err := io.Copy(digest, x.body(0))
		return err
	}
	text, err := io.ReadAll(x.body(maxOnceBody))
	if err != nil {
		return err
	}
	digest.Write(text)
	x.request.Body = io.NopCloser(bytes.NewReader(text))
	return nil
}

// heldAnswer is an answer that isn't given yet.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *heldAnswer) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *heldAnswer) WriteHeader(status int) { h.status = status }

// Write implements http.ResponseWriter.
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }
