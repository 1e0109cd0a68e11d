package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// A place is where programs and locks keep their files.
type place struct {
	name string // "tmpfs", "disk"
	dir  string // ours alone
}

// A harness has what the parts share.
type harness struct {
	options
	places []place
	built  []contestant // see contestants
	bed    *bed.Bed     // see inBed
}

// disk returns the place that always exists.
func (h *harness) disk() place { return h.places[len(h.places)-1] }

// contestants returns the programs. It builds them for the first who asks.
func (h *harness) contestants(ctx context.Context) (all []contestant, err error) {
	if h.built == nil {
		h.built, err = build(ctx, filepath.Join(h.disk().dir, "bin"), h.flags)
	}
	return h.built, err
}

// everywhere measures at each place.
func (h *harness) everywhere(ctx context.Context, measure func(context.Context, *harness, place) ([]*table, error)) (tables []*table, err error) {
	for _, p := range h.places {
		measured, err := measure(ctx, h, p)
		if err != nil {
			return tables, fmt.Errorf("on %s: %w", p.name, err)
		}
		tables = append(tables, measured...)
	}
	return tables, nil
}
