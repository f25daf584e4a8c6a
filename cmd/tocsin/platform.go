package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/casebook"
	"tocsin/clock"
	"tocsin/desk"
	"tocsin/web"
)

// where are the flags that say on which platform a command works.
type where struct {
	Data     string `help:"Data directory. Default: ./data." default:"./data" placeholder:"DIR"`
	Database string `help:"PostgreSQL database (postgres://…) instead of SQLite in the data directory." placeholder:"URL"`
	Server   string `help:"A running platform (https://…) instead of a data directory." placeholder:"URL"`
	Key      string `help:"File that holds the key for --server; the variable TOCSIN_KEY may hold the key itself." placeholder:"FILE"`
}

// format says for whom a command prints.
type format struct {
	Format string `help:"text for people, json for programs: one object a line." enum:"text,json" default:"text"`
}

func (f format) json() bool { return f.Format == "json" }

// A platform is the API of one, wherever it runs.
type platform struct {
	http  *http.Client
	base  string
	key   string
	close func() error
	// borrowed: it belongs to another command, which may end before us.
	borrowed bool
}

func nothing() error { return nil }

// open finds the platform: the server that was named; else the owner of the data
// directory by its local socket; else the directory is taken for our own, and we
// are its owner meanwhile. A directory that isn't there is made only if make is
// set.
func (w where) open(ctx context.Context, make bool) (p *platform, err error) {
	if w.Server != "" {
		if !strings.HasPrefix(w.Server, "http://") && !strings.HasPrefix(w.Server, "https://") {
			return nil, exit{exitMisused, fmt.Errorf("--server %s is no web address: it begins with http:// or https://", w.Server)}
		}
		key, err := w.key()
		return &platform{http: http.DefaultClient, base: strings.TrimRight(w.Server, "/"), key: key, close: nothing}, err
	}
	if _, err := os.Stat(desk.Directory(w.Data).LedgerKey()); err != nil && !make {
		return nil, exit{exitMisused, fmt.Errorf("no data directory %s (%w): name one with --data, or begin one with tocsin load or tocsin serve", w.Data, err)}
	}
	err = whileOwned(ctx, 10*time.Second, func() error {
		p, err = w.enter(ctx)
		return err
	})
	return p, err
}

// each opens the platform, making a data directory that isn't there, and does the
// work file by file: one that fails is told, and the rest is done. For files of which none
// is there nothing is made.
func (w where) each(ctx context.Context, std streams, act string, files []string, work func(p *platform, file string) error) error {
	worst := worse{std: std}
	if !slices.ContainsFunc(files, isThere) {
		for _, file := range files {
			worst.add(exit{exitMisused, fmt.Errorf("%s %s: no such file", act, file)})
		}
		return worst.result()
	}
	p, err := w.open(ctx, true)
	if err != nil {
		return err
	}
	for _, file := range files {
		if ctx.Err() == nil {
			worst.add(work(p, file))
		}
	}
	worst.add(p.close())
	return worst.result()
}

// isThere reports whether a file can be looked for: "-" is standard input.
func isThere(file string) bool {
	_, err := os.Stat(file)
	return file == "-" || !errors.Is(err, fs.ErrNotExist)
}

// whileOwned tries again for a while as long as another process owns the data
// directory: it may be just ending, or not answer yet.
func whileOwned(ctx context.Context, limit time.Duration, try func() error) error {
	for deadline := time.Now().Add(limit); ; {
		err := try()
		if !errors.Is(err, desk.ErrOwned) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// enter takes the data directory, or finds its owner.
func (w where) enter(ctx context.Context) (*platform, error) {
	d, err := desk.Open(ctx, desk.Config{Dir: w.Data, Database: w.Database, Clock: clockBy(nil), Passing: true})
	if errors.Is(err, desk.ErrOwned) {
		return w.owner(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	o, err := own(d)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	p := bySocket(w.Data)
	p.close = o.close
	return p, nil
}

// clockBy gives the way to learn how far this machine's clock is off: from time
// servers, or without any from the kernel.
func clockBy(servers []string) func(context.Context) (casebook.ClockState, error) {
	return func(ctx context.Context) (casebook.ClockState, error) {
		r, err := clock.Measure(ctx, servers)
		if r.Known {
			err = nil // enough of them agree
		}
		return casebook.ClockState{Known: r.Known, Offset: r.Offset, Bound: r.Bound, Source: r.Source}, err
	}
}

// key reads the key for a server: from the file named, or from the variable.
func (w where) key() (string, error) {
	if w.Key == "" {
		return "", nil
	}
	text, err := os.ReadFile(w.Key)
	if errors.Is(err, os.ErrNotExist) && w.Key == os.Getenv("TOCSIN_KEY") {
		return w.Key, nil
	}
	return strings.TrimSpace(string(text)), err
}

// owner gives the platform that holds the data directory.
func (w where) owner(ctx context.Context, locked error) (*platform, error) {
	p := bySocket(w.Data)
	if err := p.get(ctx, "/healthz", nil, io.Discard); err != nil {
		return nil, fmt.Errorf("%w, and it doesn't answer on its socket: %v", locked, err)
	}
	p.borrowed = true
	return p, nil
}

// An ownership is a data directory held by this process: the desk, its folding,
// and the socket on which other commands find it.
type ownership struct {
	desk   *desk.Desk
	server *http.Server
	stop   context.CancelFunc
	done   sync.WaitGroup
}

// own starts what an owner owes the others.
func own(d *desk.Desk) (*ownership, error) {
	ctx, stop := context.WithCancel(context.Background())
	o := &ownership{desk: d, stop: stop}
	socket, err := listenSocket(d.Directory())
	if err != nil {
		stop()
		return nil, err
	}
	o.server = web.Server(web.New(d, web.Options{Version: version(), Trusted: true, Backup: d.Backup}))
	o.done.Go(func() {
		if err := d.Run(ctx); err != nil {
			slog.Error("folding ended", "err", err)
		}
	})
	o.done.Go(func() {
		if err := o.server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("the local socket ended", "err", err)
		}
	})
	return o, nil
}

// close ends the ownership: requests of others have two seconds to end, folding
// stops at its next commit.
func (o *ownership) close() error {
	grace, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := o.server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = o.server.Close()
	}
	err = errors.Join(err, o.desk.Settle(grace))
	o.stop()
	o.done.Wait()
	return errors.Join(err, o.desk.Close())
}

// socketAddress names the socket by the folder's descriptor, because the name of
// a socket may have no more than 107 octets.
func socketAddress(dir string) (address string, done func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", f.Fd(), filepath.Base(desk.Directory(dir).Socket())), f.Close, nil
}

func listenSocket(dir desk.Directory) (net.Listener, error) {
	// The lock is ours: a socket that is there is a dead one's.
	if err := os.Remove(dir.Socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("local socket: %w", err)
	}
	address, done, err := socketAddress(string(dir))
	if err != nil {
		return nil, fmt.Errorf("local socket: %w", err)
	}
	l, err := net.Listen("unix", address)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("local socket: %w", err), done())
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // the next owner removes it
	return l, errors.Join(os.Chmod(dir.Socket(), 0o600), done())
}

func bySocket(dir string) *platform {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		address, done, err := socketAddress(dir)
		if err != nil {
			return nil, err
		}
		defer done()
		return (&net.Dialer{}).DialContext(ctx, "unix", address)
	}
	return &platform{http: &http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}, base: "http://localhost", close: nothing}
}

// errNoAnswer is a platform that isn't there, or went away.
var errNoAnswer = errors.New("is it running?")

// call makes one request. The body of an answer that isn't a success becomes the
// error, with the refusal that its status stands for.
func (p *platform) call(ctx context.Context, method, path string, query url.Values, accept string, body io.Reader) (*http.Response, error) {
	target := p.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	if p.key != "" {
		r.Header.Set("Authorization", "Bearer "+p.key)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/octet-stream")
		if _, ok := body.(*bytes.Reader); ok { // an object of ours; files are streams
			r.Header.Set("Content-Type", "application/json")
		}
	}
	answer, err := p.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("ask %s: %w (%w)", p.base, err, errNoAnswer)
	}
	if answer.StatusCode < 300 {
		return answer, nil
	}
	defer answer.Body.Close()
	return nil, refusal(answer)
}

// refusal reads a problem (RFC 9457).
func refusal(answer *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	var problem struct{ Title, Detail string }
	if json.Unmarshal(text, &problem) != nil || problem.Detail == "" {
		problem.Detail = strings.TrimSpace(answer.Status + " " + problem.Title)
	}
	err := errors.New(problem.Detail)
	for status, kind := range map[int]error{400: casebook.ErrInvalid, 401: casebook.ErrForbidden, 403: casebook.ErrForbidden,
		404: casebook.ErrNotFound, 409: casebook.ErrConflict, 413: casebook.ErrTooLarge, 422: casebook.ErrInvalid} {
		if answer.StatusCode == status {
			return refused{err, kind}
		}
	}
	return err
}

// refused is a refusal that came over the wire: its text names the kind already.
type refused struct{ error, kind error }

func (r refused) Error() string { return r.error.Error() }
func (r refused) Unwrap() error { return r.kind }

// get copies an answer to w.
func (p *platform) get(ctx context.Context, path string, query url.Values, w io.Writer) error {
	answer, err := p.call(ctx, http.MethodGet, path, query, "", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(w, answer.Body)
	return err
}

// getJSON reads an answer into v.
func (p *platform) getJSON(ctx context.Context, path string, query url.Values, v any) error {
	var b bytes.Buffer
	answer, err := p.call(ctx, http.MethodGet, path, query, "application/json", nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := b.ReadFrom(answer.Body); err != nil {
		return err
	}
	return json.Unmarshal(b.Bytes(), v)
}

// post sends a body and reads the answer into v.
func (p *platform) post(ctx context.Context, path string, query url.Values, body io.Reader, v any) error {
	sent := &input{Reader: body}
	err := p.send(ctx, path, query, sent, v)
	if sent.err != nil {
		return exit{exitMisused, fmt.Errorf("the input: %w", sent.err)}
	}
	return err
}

// input remembers what is wrong with what we send: that isn't the platform's fault.
type input struct {
	io.Reader
	err error
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		i.err = err
	}
	return n, err
}

func (p *platform) send(ctx context.Context, path string, query url.Values, body io.Reader, v any) error {
	answer, err := p.call(ctx, http.MethodPost, path, query, "application/json", body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(answer.Body).Decode(v)
}
