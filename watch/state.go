package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// State is all that a watcher knows. The zero value knows nothing.
type State struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"` // when the last step was taken, by this machine's clock
	// Moment is the same, but doesn't go back while a platform is silent.
	Moment    time.Time           `json:"moment"`
	Platforms map[string]Platform `json:"platforms"`
	Calls     []Call              `json:"calls"` // not delivered to everybody yet
}

// Platform is what is known of one.
type Platform struct {
	Instance string    `json:"instance"`
	Heard    time.Time `json:"heard"`   // last time that all was well
	Watched  time.Time `json:"watched"` // last round of its watch loop, by its clock
	// Quiet is how long all hasn't been well, Unmoved how long its watch loop
	// hasn't moved.
	Quiet    time.Duration `json:"quiet"`
	Unmoved  time.Duration `json:"unmoved"`
	Failures int           `json:"failures"` // looks in a row, up to Confirm
	Good     int           `json:"good"`     // the same
	Fault    Fault         `json:"fault"`
	Detail   string        `json:"detail"`
	Open     int           `json:"open"`
	Due      []Due         `json:"due"`
	Made     int           `json:"made"` // calls about it, ever

	// While it is silent:
	Silent       time.Time      `json:"silent"` // since when people are called
	Blind        time.Time      `json:"blind"`  // last moment known to be watched
	SinceCall    time.Duration  `json:"since_call"`
	Calls        int            `json:"calls"`
	Acknowledged string         `json:"acknowledged"` // by whom; "": by nobody
	Told         map[string]int `json:"told"`         // stages told of each due moment
	Passed       []Due          `json:"passed"`

	// Clocks: Offset is the platform's less ours, OwnOffset what it measured.
	Offset      time.Duration `json:"offset"`
	OffsetBound time.Duration `json:"offset_bound"`
	OwnOffset   time.Duration `json:"own_offset"`
	Differs     int           `json:"differs"`
	ClockTold   time.Time     `json:"clock_told"`
}

func (s State) anySilent() bool {
	for _, p := range s.Platforms {
		if !p.Silent.IsZero() {
			return true
		}
	}
	return false
}

// clone copies what a step changes in place.
func (s State) clone() State {
	s.Platforms = maps.Clone(s.Platforms)
	if s.Platforms == nil {
		s.Platforms = map[string]Platform{}
	}
	calls := make([]Call, len(s.Calls))
	for i, c := range s.Calls {
		c.To = maps.Clone(c.To)
		calls[i] = c
	}
	s.Calls = calls
	return s
}

const stateVersion = 1

// ErrTaken is a state file that another watcher works on.
var ErrTaken = errors.New("another tocsin watch works with it: name another file with --state")

// File is a state file, locked by its owner.
type File struct {
	path string
	lock *os.File
}

// OpenFile takes the state file at path and reads it; one that isn't there is an
// empty state. A file that can't be understood is moved aside to path.broken, told
// in the error together with a File that works, because to watch anew is better
// than not to watch. It gives ErrTaken if another process has it.
func OpenFile(path string) (*File, State, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, State{}, fmt.Errorf("state file: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, State{}, errors.Join(fmt.Errorf("state file %s: %w", path, ErrTaken), lock.Close())
	}
	f := &File{path: path, lock: lock}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, State{}, nil
	}
	var s State
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && s.Version != stateVersion {
		err = fmt.Errorf("version %d isn't %d", s.Version, stateVersion)
	}
	if err != nil {
		broken := path + ".broken"
		return f, State{}, errors.Join(fmt.Errorf("state file %s can't be read and is moved to %s: %w", path, broken, err), os.Rename(path, broken))
	}
	return f, s, nil
}

// Close gives the file back.
func (f *File) Close() error { return f.lock.Close() }

// Save replaces the file in one step: after a crash it is the old one or the new
// one.
func (f *File) Save(s State) error {
	s.Version = stateVersion
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("state file %s: %w", f.path, err)
	}
	if err := replaceFile(f.path, append(text, '\n')); err != nil {
		return fmt.Errorf("state file %s: %w", f.path, err)
	}
	return nil
}

func replaceFile(path string, text []byte) error {
	part, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = part.Write(text)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// An acknowledgement waits beside the state file until the watcher reads it.
type acknowledgement struct {
	By       string `json:"by"`
	Platform string `json:"platform"`
}

// LeaveAcknowledgement writes that somebody takes care of a platform's silence, or
// of all for "", for the watcher that works with the state file at path.
func LeaveAcknowledgement(path, by, platform string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("no watcher works with this state file: %w", err)
	}
	text, err := json.Marshal(acknowledgement{oneLine(by), platform})
	if err != nil {
		return err
	}
	return replaceFile(path+".ack", text)
}

// takeAcknowledgement gives what was left, once.
func (f *File) takeAcknowledgement() (by, platform string, ok bool) {
	text, err := os.ReadFile(f.path + ".ack")
	if err != nil {
		return "", "", false
	}
	var a acknowledgement
	err = json.Unmarshal(text, &a)
	if os.Remove(f.path+".ack") != nil || err != nil {
		return "", "", false
	}
	return oneLine(a.By), a.Platform, true
}
