package sensor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Spool holds what is to go upstream in a folder, one file a delivery, until the
// platform has said that it has it. What Put returned without error outlives the
// machine's end. Who runs out of room loses the oldest, and is told.
type Spool struct {
	dir   string
	max   int64
	mu    sync.Mutex
	wake  chan struct{}
	lost  int64
	count int64 // makes names of the same moment different
}

// ErrRejected is what a sender gives for a delivery that the platform won't take, however often
// it is sent: it is put aside, not sent again.
var ErrRejected = errors.New("the platform won't take it")

const aside = "rejected" // folder of what the platform won't take

// OpenSpool opens a folder, and makes it if it isn't there. max bounds it in octets; 0 is 1 GiB.
func OpenSpool(dir string, max int64) (*Spool, error) {
	if max <= 0 {
		max = 1 << 30
	}
	if err := os.MkdirAll(filepath.Join(dir, aside), 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return &Spool{dir: dir, max: max, wake: make(chan struct{}, 1)}, nil
}

// Put keeps a delivery. Its name begins with the moment, so that names are in order.
func (s *Spool) Put(at time.Time, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.makeRoom(int64(len(body))); err != nil {
		return err
	}
	s.count++
	name := fmt.Sprintf("%s-%06d.jsonl", at.UTC().Format("20060102T150405.000000Z"), s.count)
	if err := write(s.dir, name, body); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// write writes a file so that it is there whole or not at all, whatever happens.
func write(dir, name string, body []byte) error {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// makeRoom drops the oldest until n octets more fit.
func (s *Spool) makeRoom(n int64) error {
	names, size, err := s.list()
	for i := 0; err == nil && i < len(names) && size+n > s.max; i++ {
		var info fs.FileInfo
		if info, err = os.Stat(filepath.Join(s.dir, names[i])); err == nil {
			size -= info.Size()
			err = os.Remove(filepath.Join(s.dir, names[i]))
			s.lost++
		}
	}
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	return nil
}

// list gives the deliveries, the oldest first, and their octets.
func (s *Spool) list() (names []string, size int64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, 0, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasSuffix(e.Name(), ".jsonl") {
			continue
		}
		if info, err := e.Info(); err == nil {
			names, size = append(names, e.Name()), size+info.Size()
		}
	}
	slices.Sort(names)
	return names, size, nil
}

// Waiting counts what is to be sent, and what was lost for want of room since the
// spool was opened.
func (s *Spool) Waiting() (deliveries int, octets, lost int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, size, _ := s.list()
	return len(names), size, s.lost
}

const (
	firstPause = time.Second
	longPause  = 5 * time.Minute
)

// Forward sends what there is and what comes, the oldest first, until ctx ends. A
// delivery is deleted once send says that the platform has it. What fails is sent
// again after a pause that doubles from a second to five minutes; what is rejected is
// put aside, into the folder "rejected". told hears of each failure.
func (s *Spool) Forward(ctx context.Context, send func(ctx context.Context, name string, body []byte) error, told func(name string, err error)) {
	pause := firstPause
	for ctx.Err() == nil {
		name, err := s.forwardOne(ctx, send)
		switch {
		case err != nil:
			told(name, err)
			s.rest(ctx, pause, false)
			pause = min(2*pause, longPause)
		case name == "":
			s.rest(ctx, longPause, true)
		default:
			pause = firstPause
		}
	}
}

// Flush sends what there is, once, and gives the first failure.
func (s *Spool) Flush(ctx context.Context, send func(ctx context.Context, name string, body []byte) error) error {
	for {
		name, err := s.forwardOne(ctx, send)
		if err != nil || name == "" {
			return err
		}
	}
}

// forwardOne sends the oldest delivery; its name is "" if there is none.
func (s *Spool) forwardOne(ctx context.Context, send func(ctx context.Context, name string, body []byte) error) (string, error) {
	s.mu.Lock()
	names, _, err := s.list()
	s.mu.Unlock()
	if err != nil || len(names) == 0 {
		return "", err
	}
	file := filepath.Join(s.dir, names[0])
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return names[0], nil // it had to make room meanwhile
	}
	if err == nil {
		err = send(ctx, names[0], body)
	}
	if errors.Is(err, ErrRejected) {
		return names[0], errors.Join(err, os.Rename(file, filepath.Join(s.dir, aside, names[0])))
	}
	if err != nil {
		return names[0], err
	}
	return names[0], os.Remove(file)
}

// rest waits, until something is put in if that may end it.
func (s *Spool) rest(ctx context.Context, pause time.Duration, wakes bool) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	wake := s.wake
	if !wakes {
		wake = nil
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}
