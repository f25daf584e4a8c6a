package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tocsin/detect"
	"tocsin/indicator"
	"tocsin/sensor"
)

// bench gathers what detectors ask: the lists that were named, and the program's
// own table of benign clocks.
func (c scanCommand) bench(ctx context.Context, std streams) (func() *detect.Bench, error) {
	loader := indicator.NewLoader()
	if !c.NoIndicators {
		for _, path := range c.Indicators {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			dir, name := filepath.Split(filepath.Clean(path))
			if dir == "" {
				dir = "."
			}
			if err := loader.ReadFS(os.DirFS(dir), name); err != nil {
				return nil, exit{exitMisused, fmt.Errorf("scan: %w", err)}
			}
		}
	}
	b := sensor.Knowledge(loader.Base(), len(c.Indicators) > 0 && !c.NoIndicators)
	return func() *detect.Bench { return b }, nil
}
