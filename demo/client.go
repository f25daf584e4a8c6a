package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client speaks to the platform as programs do, by a person's key or a machine's.
type client struct {
	base    string
	key     string
	cookies []*http.Cookie
	http    *http.Client
}

func newClient(base, key string) *client {
	return &client{base: base, key: key, http: &http.Client{Timeout: 2 * time.Minute, CheckRedirect: noRedirect}}
}

// get reads one object.
func (c *client) get(ctx context.Context, path string, into any) error {
	return c.ask(ctx, http.MethodGet, path, "", nil, into)
}

// post writes one object, and reads what became of it where into isn't nil.
func (c *client) post(ctx context.Context, path string, body, into any) error {
	return c.write(ctx, http.MethodPost, path, body, into)
}

func (c *client) write(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.ask(ctx, method, path, "application/json", bytes.NewReader(text), into)
}

// send hands bytes in.
func (c *client) send(ctx context.Context, path, text string, into any) error {
	return c.ask(ctx, http.MethodPost, path, "application/octet-stream", strings.NewReader(text), into)
}

func (c *client) ask(ctx context.Context, method, path, kind string, body io.Reader, into any) error {
	answer, err := c.exchange(ctx, method, path, kind, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %w", method, path, refusal(answer))
	}
	if into == nil {
		_, err := io.Copy(io.Discard, answer.Body)
		return err
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// exchange makes one request; the answer's body is the caller's to close.
func (c *client) exchange(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	for _, one := range c.cookies {
		r.AddCookie(one)
	}
	return c.http.Do(r)
}

// form sends a form as a browser does, and gives the cookies that came back.
func (c *client) form(ctx context.Context, path string, form url.Values) ([]*http.Cookie, error) {
	answer, err := c.exchange(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		return nil, fmt.Errorf("POST %s: %w", path, refusal(answer))
	}
	return answer.Cookies(), nil
}

// refused is a problem (RFC 9457) that the platform answered with.
type refused struct {
	Status int
	Detail string
}

// Error is a sentence.
func (r *refused) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.Detail) }

func refusal(answer *http.Response) error {
	r := &refused{Status: answer.StatusCode}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if json.Unmarshal(text, r) != nil {
		r.Detail = http.StatusText(r.Status)
	}
	return r
}
