package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/url"

	"tocsin/casebook"
)

// The bounds of what stands before the file in a form, and of what is read away after a
// refusal, so that a browser hears why.
const (
	maxFields  = 20
	maxPart    = 4 << 10
	maxDrained = 32 << 20
)

// readUpload reads a form with a file at its end: what stands before the file, and the
// file itself to be taken as it comes; nil where none was chosen. It gives ErrInvalid
// for what is no such form.
func readUpload(x *exchange, name string) (f form, file *multipart.Part, err error) {
	f = blankForm(x)
	f.Name, f.values = name, url.Values{}
	x.request.Body = io.NopCloser(x.body(0)) // whoever takes the file has a bound
	parts, err := x.request.MultipartReader()
	if err != nil {
		return f, nil, fmt.Errorf("the form can't be read (%w): %w", err, casebook.ErrInvalid)
	}
	for range maxFields {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return f, nil, nil
		}
		if err != nil {
			return f, nil, fmt.Errorf("the form can't be read (%w): %w", err, casebook.ErrInvalid)
		}
		if part.FormName() == "file" {
			if part.FileName() == "" {
				return f, nil, nil
			}
			return f, part, nil
		}
		text, err := io.ReadAll(io.LimitReader(part, maxPart+1))
		if err != nil {
			return f, nil, err
		}
		if len(text) > maxPart {
			return f, nil, fmt.Errorf("the field %.40q has over %d octets: %w", part.FormName(), maxPart, casebook.ErrTooLarge)
		}
		f.values.Add(part.FormName(), string(text))
	}
	return f, nil, fmt.Errorf("the form has over %d fields before its file: %w", maxFields, casebook.ErrInvalid)
}

// drain reads away what is left of a file that was refused.
func drain(file *multipart.Part) {
	if file != nil {
		io.Copy(io.Discard, io.LimitReader(file, maxDrained))
	}
}
