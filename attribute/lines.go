package attribute

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"tocsin/casebook"
)

// lines reads lines of text.
type lines struct {
	in     *bufio.Reader
	number int64 // of the line last read
	octets int64
}

var errLongLine = fmt.Errorf("the line is longer than %d octets: %w", MaxLine, casebook.ErrInvalid)

// open looks whether the octets are packed.
func open(r io.Reader) (*lines, error) {
	in := bufio.NewReaderSize(r, MaxLine)
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // there was a beginning
		}
		if err != nil {
			return nil, unpackFault(err)
		}
		in = bufio.NewReaderSize(z, MaxLine)
	}
	head, _ := in.Peek(4)
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("text is UTF-16; save it as UTF-8: %w", casebook.ErrInvalid)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		in.Discard(3)
	}
	return &lines{in: in}, nil
}

// line gives the next line that has something on it and is no comment, or io.EOF,
// or errLongLine for one that it passed over. Octets that are no UTF-8 become U+FFFD.
func (l *lines) line() (string, error) {
	for {
		b, err := l.in.ReadSlice('\n')
		l.number++
		long := false
		for err == bufio.ErrBufferFull {
			long = true
			if l.octets += int64(len(b)); l.octets > MaxFile {
				break
			}
			b, err = l.in.ReadSlice('\n')
		}
		if l.octets += int64(len(b)); l.octets > MaxFile {
			return "", fmt.Errorf("file is larger than %d octets: %w", int64(MaxFile), casebook.ErrTooLarge)
		}
		if err != nil && err != io.EOF {
			return "", unpackFault(err)
		}
		if long {
			return "", errLongLine
		}
		b = bytes.TrimRight(b, "\r\n")
		if len(bytes.TrimSpace(b)) > 0 && b[0] != '#' {
			if !utf8.Valid(b) {
				return strings.ToValidUTF8(string(b), "\uFFFD"), nil
			}
			return string(b), nil
		}
		if err == io.EOF {
			return "", io.EOF
		}
	}
}

// unpackFault tells a file that is broken from a disk that is.
func unpackFault(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt) {
		return fmt.Errorf("gzip breaks off or is damaged (%v): %w", err, casebook.ErrInvalid)
	}
	return fmt.Errorf("read: %w", err)
}
