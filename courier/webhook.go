package courier

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/casebook"
)

// maxRedirects is how often a webhook is followed to another path of its host.
const maxRedirects = 3

// maxAfter is the longest rest that the other side may ask for.
const maxAfter = time.Hour

// errRedirect is an answer that points elsewhere.
var errRedirect = errors.New("it answers with a redirect that isn't followed: name the new address as the target")

// sameHost follows a redirect that keeps scheme, host, method and body. Any other
// would hand message and signature to somebody who wasn't named.
func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > maxRedirects || r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host || r.Method != first.Method {
		return errRedirect
	}
	return nil
}

// signingKey gives the octets of a secret; nil for none.
func signingKey(s Secret) ([]byte, error) {
	coded, ok := strings.CutPrefix(string(s), "whsec_")
	if !ok {
		return []byte(s), nil
	}
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("webhook secret: what follows whsec_ isn't base64: %w", casebook.ErrInvalid)
	}
	return key, nil
}

// sign gives the signature of Standard Webhooks 1.0.0: HMAC-SHA-256 over ID,
// moment of the attempt in seconds, and body, with dots between.
func sign(key []byte, id string, at int64, body []byte) string {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%d.", id, at)
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// post makes one HTTP request.
func (c *Courier) post(ctx context.Context, t Target, m Message, body []byte) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.text, bytes.NewReader(body))
	if err != nil {
		return 0, "", errors.New("it is no URL") // the error repeats it
	}
	at := time.Now().Unix()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "tocsin")
	r.Header.Set("Idempotency-Key", m.ID)
	r.Header.Set("Webhook-Id", m.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(at, 10))
	key, err := signingKey(c.settings.Secret)
	if err != nil {
		return 0, "", err
	}
	if len(key) > 0 {
		r.Header.Set("Webhook-Signature", sign(key, m.ID, at, body))
	}
	reply, err := c.client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which may hold a secret
		}
		if errors.Is(err, errRedirect) {
			return statusOf(reply), "", err
		}
		return 0, "", temporary{error: err}
	}
	defer reply.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(reply.Body, maxSaid))
	return reply.StatusCode, string(said), judge(reply, string(said), time.Unix(at, 0))
}

func statusOf(reply *http.Response) int {
	if reply == nil {
		return 0
	}
	return reply.StatusCode
}

// judge tells what a status means for the next attempt: too early, too many, in
// work (409, as the draft on idempotency keys has it) and the server's own faults
// may pass; other refusals won't.
func judge(reply *http.Response, said string, now time.Time) error {
	status := reply.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	err := fmt.Errorf("it answers %d %s: %.200q", status, http.StatusText(status), answer(said))
	switch status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return temporary{err, retryAfter(reply.Header.Get("Retry-After"), now)}
	}
	if status >= 500 {
		return temporary{err, retryAfter(reply.Header.Get("Retry-After"), now)}
	}
	return err
}

// retryAfter reads a Retry-After field (RFC 9110, section 10.2.3), up to an hour.
func retryAfter(text string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxAfter)
}
