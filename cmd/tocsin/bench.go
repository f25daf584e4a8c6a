package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tocsin/detect"
	"tocsin/indicator"
	"tocsin/sensor"
)

// bench gathers what detectors ask: indicators, warning lists and benign clocks.
func (c scanCommand) bench(ctx context.Context, std streams) (func() *detect.Bench, error) {
	base, err := c.compiled(ctx, std.err)
	if err != nil {
		return nil, err
	}
	b := sensor.NewBench(base, !c.NoIndicators)
	return func() *detect.Bench { return b }, nil
}

// loadIndicators reads lists from files and folders. A line that isn't taken is
// counted; a file that was named and is no list ends it.
func loadIndicators(ctx context.Context, paths []string, told io.Writer) (*indicator.Base, error) {
	l := indicator.NewLoader()
	var all error
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		all = errors.Join(all, readLists(l, path))
	}
	if all != nil {
		return nil, all
	}
	base := l.Base()
	tellRefused(base, told)
	return base, nil
}

func tellRefused(base *indicator.Base, told io.Writer) {
	refused := int64(0)
	for _, list := range base.Lists {
		refused += list.Refused
	}
	if refused > 0 {
		fmt.Fprintf(told, "indicators: %s lines refused; tocsin indicator check tells each with its reason\n", count(refused))
	}
}
