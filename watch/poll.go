package watch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/casebook"
)

// pollLimit bounds one look at a platform. With the usual settings (20 s between
// looks, 90 s of silence) people are called 110 s after the stop at the latest.
const pollLimit = 10 * time.Second

// Poller looks at platforms.
type Poller struct {
	Key   string         // "" for none
	Roots *x509.CertPool // who vouches for platforms; nil: the machine's list
	// HTTP carries the requests; nil makes a new connection for each, so that each
	// look also tries name, route and certificate.
	HTTP http.RoundTripper
}

// CheckURL gives the base URL of a platform as it is kept. It gives ErrInvalid for
// what is none.
func CheckURL(text string) (string, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%.200q is no platform's address, as https://tocsin.example is one: %w", text, casebook.ErrInvalid)
	}
	return u.String(), nil
}

func (p Poller) client() *http.Client {
	transport := p.HTTP
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12}}
	}
	// A redirect would carry the key elsewhere.
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// look asks a platform once.
func (p Poller) look(ctx context.Context, client *http.Client, platform string) News {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	n := News{Platform: platform, Sent: time.Now()}
	text, fault, err := p.get(ctx, client, platform)
	n.Answered = time.Now()
	if err == nil {
		var b Heartbeat
		if b, err = ParseHeartbeat(text); err == nil {
			n.Beat = &b
			return n
		}
		fault = WrongAnswer
	}
	n.Fault, n.Detail = fault, oneLine(err.Error())
	return n
}

func (p Poller) get(ctx context.Context, client *http.Client, platform string) ([]byte, Fault, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, platform+"/api/v1/heartbeat", nil)
	if err != nil {
		return nil, WrongAnswer, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "tocsin-watch")
	if p.Key != "" {
		r.Header.Set("Authorization", "Bearer "+p.Key)
	}
	answer, err := client.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return nil, CertificateRefused, err
		}
		return nil, NoAnswer, err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, KeyRefused, errors.New(answer.Status)
	default:
		return nil, WrongAnswer, errors.New(answer.Status + why(answer.Body))
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBeat+1))
	if err != nil {
		return nil, NoAnswer, err
	}
	return text, "", nil
}

// why is what a refusal says for itself (RFC 9457), in one line; "" where it says nothing.
func why(body io.Reader) string {
	var p struct {
		Detail string `json:"detail"`
	}
	if err := json.NewDecoder(io.LimitReader(body, 1<<14)).Decode(&p); err != nil || p.Detail == "" {
		return ""
	}
	return ": " + oneLine(p.Detail)
}
