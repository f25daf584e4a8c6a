package courier

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"tocsin/casebook"
)

func TestMailHeaders(t *testing.T) {
	s := newSink(t, nil)
	c := open(t, s.settings())
	if _, err := send(t, c, s.target(), someMessage("msg_0010")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Message-ID: <msg_0010@cert.example>\r\n", "Auto-Submitted: auto-generated\r\n", "Date: Mon, 16 Feb 2026 14:30:00 +0000\r\n",
		"From: <tocsin@cert.example>\r\n", "To: <duty@example.org>\r\n", "Content-Language: zh\r\n", "Content-Type: text/plain; charset=UTF-8\r\n"} {
		if !strings.Contains(s.raw[0], want) {
			t.Errorf("no %q in\n%s", want, s.raw[0])
		}
	}
	for line := range strings.SplitSeq(s.raw[0], "\r\n") {
		if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
			t.Errorf("a line that not every server carries: %q", line)
		}
	}
}

func TestMailReachesTheOthersWhenOneIsRefused(t *testing.T) {
	s := newSink(t, nil)
	s.refuse = "gone@example.org"
	c := open(t, s.settings())
	_, err := send(t, c, "mailto:first@example.org,gone@example.org,last@example.org", someMessage("msg_0011"))
	if err == nil || Temporary(err) || !strings.Contains(err.Error(), "no such person") {
		t.Errorf("got %v", err)
	}
	if want := []string{"first@example.org", "last@example.org"}; !slices.Equal(s.to, want) {
		t.Errorf("got to %q, want %q", s.to, want)
	}
}

// TestMailTakenByAServerThatHangsUp: after its 250 the mail is the server's, whatever
// comes of the goodbye.
func TestMailTakenByAServerThatHangsUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan error, 1)
	go func() { ended <- hangUp(l) }()
	proof, err := send(t, open(t, Settings{Mail: MailSettings{Server: l.Addr().String(), From: "tocsin@cert.example"}}), "mailto:duty@example.org", someMessage("msg_0019"))
	if err != nil || proof.Code != 250 || proof.Said != "2.0.0 queued as 4F2" {
		t.Errorf("got %+v, %v", proof, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// hangUp takes one mail as a server does, and closes.
func hangUp(l net.Listener) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	c := textproto.NewConn(conn)
	say := "220 sink.example"
	for {
		if err := c.PrintfLine("%s", say); err != nil {
			return err
		}
		line, err := c.ReadLine()
		if err != nil {
			return err
		}
		say = "250 2.0.0 ok"
		if line == "DATA" {
			if err := c.PrintfLine("354 go on"); err != nil {
				return err
			}
			if _, err := c.ReadDotBytes(); err != nil {
				return err
			}
			return c.PrintfLine("250 2.0.0 queued as 4F2")
		}
	}
}

func TestMailAndTLS(t *testing.T) {
	pair, roots := certificate(t)
	offers := func(s *sink, server *smtp.Server) net.Listener {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
		return nil
	}
	plain := func(*sink, *smtp.Server) net.Listener { return nil }
	implicit := func(*sink, *smtp.Server) net.Listener {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, c := range []struct {
		name    string
		server  func(*sink, *smtp.Server) net.Listener
		set     func(*MailSettings)
		inTLS   bool
		login   bool
		refused string
	}{
		{"offered, with a stranger's certificate", offers, func(*MailSettings) {}, true, false, ""},
		{"not offered", plain, func(*MailSettings) {}, false, false, ""},
		{"offered, not wanted", offers, func(m *MailSettings) { m.TLS = TLSNone }, false, false, ""},
		{"required, with a stranger's certificate", offers, func(m *MailSettings) { m.TLS = TLSRequired }, false, false, "certificate"},
		{"required, with a certificate that holds", offers, func(m *MailSettings) { m.TLS, m.Roots = TLSRequired, roots }, true, false, ""},
		{"required, not offered", plain, func(m *MailSettings) { m.TLS = TLSRequired }, false, false, "STARTTLS"},
		{"implicit, with a certificate that holds", implicit, func(m *MailSettings) { m.TLS, m.Roots = TLSImplicit, roots }, true, false, ""},
		{"implicit, with a stranger's certificate", implicit, func(m *MailSettings) { m.TLS = TLSImplicit }, false, false, "certificate"},
		{"a login", offers, func(m *MailSettings) { m.User, m.Password, m.Roots = "tocsin", "open sesame", roots }, true, true, ""},
		{"a login over implicit TLS", implicit, func(m *MailSettings) {
			m.User, m.Password, m.Roots, m.TLS = "tocsin", "open sesame", roots, TLSImplicit
		}, true, true, ""},
		{"a login at a stranger's", offers, func(m *MailSettings) { m.User, m.Password = "tocsin", "open sesame" }, false, true, "certificate"},
		{"a login without TLS", plain, func(m *MailSettings) { m.User, m.Password = "tocsin", "open sesame" }, false, true, "STARTTLS"},
		{"a wrong password", offers, func(m *MailSettings) { m.User, m.Password, m.Roots = "tocsin", "sesame open", roots }, false, true, "535"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSink(t, func(s *sink, server *smtp.Server) net.Listener {
				if c.login {
					s.user = "tocsin"
				}
				return c.server(s, server)
			})
			settings := s.settings()
			c.set(&settings.Mail)
			_, err := send(t, open(t, settings), s.target(), someMessage("msg_0012"))
			if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Fatalf("got %v, want %q", err, c.refused)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("it tells the password: %v", err)
			}
			if err == nil && (s.inTLS[0] != c.inTLS || (s.logins == 1) != c.login) {
				t.Errorf("in TLS: %v, want %v; %d logins", s.inTLS[0], c.inTLS, s.logins)
			}
			if err != nil && (len(s.raw) > 0 || s.logins > 0) {
				t.Error("it was sent all the same")
			}
		})
	}
}

func TestWebhookSignature(t *testing.T) {
	// Computed with OpenSSL: printf 'msg_0001.1739716200.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of ours' -binary | base64
	if got, want := sign([]byte("a secret of ours"), "msg_0001", 1739716200, []byte(`{"a":1}`)), "v1,Qna2PffTCFKWyG/tXHkak3dRDl3STdMHs8K5fZEYUUc="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	h := newHookServer(t)
	for _, secret := range []Secret{"a secret of ours", Secret("whsec_" + base64.StdEncoding.EncodeToString([]byte("a secret of ours")))} {
		if _, err := send(t, open(t, Settings{Secret: secret}), h.target(), someMessage("msg_0013")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := send(t, open(t, Settings{}), h.target(), someMessage("msg_0013")); err != nil {
		t.Fatal(err)
	}
	for i, header := range h.headers {
		at, err := strconv.ParseInt(header.Get("Webhook-Timestamp"), 10, 64)
		if err != nil || time.Since(time.Unix(at, 0)).Abs() > time.Minute {
			t.Errorf("Webhook-Timestamp: %d, %v", at, err)
		}
		want := ""
		if i < 2 {
			want = sign([]byte("a secret of ours"), "msg_0013", at, h.bodies[i])
		}
		if got := header.Get("Webhook-Signature"); got != want || header.Get("Webhook-Id") != "msg_0013" {
			t.Errorf("%d: signed %q, want %q", i, got, want)
		}
	}
}

func TestWebhookRedirects(t *testing.T) {
	other := newHookServer(t)
	var mux http.ServeMux
	server := httptest.NewServer(&mux)
	defer server.Close()
	h := newHookServer(t)
	mux.Handle("/taken", h)
	for path, to := range map[string]string{"/moved": "/taken", "/away": other.server.URL + "/taken", "/round": "/round"} {
		mux.Handle(path, http.RedirectHandler(to, http.StatusTemporaryRedirect))
	}
	mux.Handle("/asget", http.RedirectHandler("/taken", http.StatusSeeOther))
	c := open(t, Settings{Secret: "a secret of ours"})
	if _, err := send(t, c, server.URL+"/moved", someMessage("msg_0014")); err != nil || len(h.received(t)) != 1 {
		t.Errorf("on the same host: %v", err)
	}
	for _, path := range []string{"/away", "/round", "/asget"} {
		if _, err := send(t, c, server.URL+path, someMessage("msg_0014")); err == nil || Temporary(err) || !strings.Contains(err.Error(), "redirect") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(other.bodies) > 0 || len(h.bodies) != 1 {
		t.Errorf("another host was given %d messages, ours %d", len(other.bodies), len(h.bodies))
	}
}

func TestWebhookStatus(t *testing.T) {
	now := time.Date(2026, 2, 16, 14, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		status    int
		after     string
		temporary bool
		wait      time.Duration
	}{
		{200, "", false, 0}, {204, "", false, 0},
		{301, "", false, 0}, {400, "", false, 0}, {404, "", false, 0}, {410, "", false, 0},
		{408, "", true, 0}, {409, "", true, 0}, {425, "", true, 0}, {500, "", true, 0}, {502, "", true, 0},
		{429, "120", true, 2 * time.Minute}, {503, "Mon, 16 Feb 2026 14:31:00 GMT", true, time.Minute},
		{503, "99999999", true, time.Hour}, {503, "-5", true, 0}, {503, "soon", true, 0}, {503, "Mon, 16 Feb 2026 14:00:00 GMT", true, 0},
	} {
		err := judge(&http.Response{StatusCode: c.status, Header: http.Header{"Retry-After": {c.after}}}, "", now)
		passing, ok := errors.AsType[temporary](err)
		if (err == nil) != (c.status < 300) || ok != c.temporary || passing.after != c.wait {
			t.Errorf("%d, Retry-After %q: %v, wait %v", c.status, c.after, err, passing.after)
		}
	}
}

func TestWebhookAnswerIsBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for w.Header().Set("X", "y"); r.Context().Err() == nil; {
			if _, err := w.Write([]byte(strings.Repeat("长\x1b[2J", 1000))); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	proof, err := send(t, open(t, Settings{}), server.URL, someMessage("msg_0015"))
	if err != nil || len(proof.Said) > maxSaid || strings.ContainsRune(proof.Said, 0x1b) {
		t.Errorf("%v: %d octets: %q", err, len(proof.Said), proof.Said)
	}
}

func TestWebhookNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = send(t, open(t, Settings{}), "http://user:hush-hush@"+l.Addr().String()+"/hush-hush", someMessage("msg_0016"))
	if !Temporary(err) || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Setenv("TOCSIN_KEY", "hush-hush")
	s := newScript(t)
	if _, err := send(t, open(t, Settings{}, s.target()), s.target(), someMessage("msg_0017")); err != nil {
		t.Fatal(err)
	}
	env := string(s.files(t, "env.*")[0])
	for _, want := range []string{"TOCSIN_ID=msg_0017\n", "TOCSIN_KIND=duty_warning\n", "TOCSIN_URGENCY=urgent\n", "TOCSIN_LANGUAGE=zh\n",
		"TOCSIN_SUBJECT=警告:报告时限 18:30 — line & <tag>\n", "TOCSIN_CREATED_AT=2026-02-16T14:30:00Z\n", "PATH="} {
		if !strings.Contains(env, want) {
			t.Errorf("no %q in\n%s", want, env)
		}
	}
	if strings.Contains(env, "hush") {
		t.Errorf("our key reached the command:\n%s", env)
	}
}

func TestOnlyNamedCommandsAreStarted(t *testing.T) {
	s := newScript(t)
	for _, target := range []string{s.target(), s.target() + " more"} {
		c := open(t, Settings{})
		if target != s.target() {
			c = open(t, Settings{}, s.target())
		}
		if _, err := send(t, c, target, someMessage("msg_0018")); !errors.Is(err, casebook.ErrForbidden) {
			t.Errorf("got %v", err)
		}
	}
	if len(s.received(t)) > 0 {
		t.Error("it was started")
	}
}

// TestWhatACommandStartedEndsWithIt: at the limit nothing is left behind.
func TestWhatACommandStartedEndsWithIt(t *testing.T) {
	s := newScript(t)
	settings := s.settings()
	settings.Limit = time.Second
	s.set(hangs)
	if _, err := send(t, open(t, settings, s.target()), s.target(), someMessage("msg_0020")); !Temporary(err) {
		t.Fatalf("got %v", err)
	}
	pid := strings.TrimSpace(string(s.files(t, "child")[0]))
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(10 * time.Millisecond) {
		stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %s lives on: %s", pid, stat)
		}
	}
}
