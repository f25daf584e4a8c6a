package store

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"tocsin/casebook"
)

// A Lock keeps other processes out of a data directory. The system takes it back
// when the process ends, however it ends.
type Lock struct{ file *os.File }

// LockDirectory takes the lock that a file stands for. It gives ErrConflict when
// another process holds it.
func LockDirectory(file string) (*Lock, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("another tocsin owns it: %w", casebook.ErrConflict)
		}
		return nil, errors.Join(err, f.Close())
	}
	return &Lock{f}, nil
}

// Unlock gives the lock back. A nil Lock is given back already.
func (l *Lock) Unlock() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
