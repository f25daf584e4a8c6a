package capture

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is the longest line of text that is read; a longer one is passed over
// without being kept.
const maxLine = 1 << 20

var errLong = errors.New("the line has more than 1048576 octets")

// lines splits text at its line feeds, in one buffer that grows to maxLine.
type lines struct {
	r    *bufio.Reader
	long []byte // a line longer than the buffer of r
	n    int64  // lines given
	// whole is set if the line ended in a line feed. The last line of a file that is
	// still being written doesn't.
	whole bool
}

// next gives the next line without its end, valid until the call after. It gives
// errLong for a line that was passed over, and io.EOF after the last; text that
// ends without a line feed still gives its last line.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = l.grow(line)
	}
	if len(line) == 0 && err != nil {
		return nil, err
	}
	l.n++
	if err == errLong {
		return nil, err
	}
	l.whole = line[len(line)-1] == '\n'
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

func (l *lines) grow(begin []byte) ([]byte, error) {
	l.long = append(l.long[:0], begin...)
	for {
		more, err := l.r.ReadSlice('\n')
		if len(l.long)+len(more) > maxLine {
			return l.pass(err)
		}
		l.long = append(l.long, more...)
		if err != bufio.ErrBufferFull {
			return l.long, err
		}
	}
}

// pass reads on to the end of a line that is too long.
func (l *lines) pass(err error) ([]byte, error) {
	for err == bufio.ErrBufferFull {
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && err != io.EOF {
		return l.long[:0], err
	}
	return l.long[:1], errLong
}
