package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/reload"
)

// measureGate requests reloads from all processors at once.
func measureGate(ctx context.Context, h *harness) ([]*table, error) {
	times := &table{title: "reload gate: a request among those of all processors", unit: "ns"}
	allocs := &table{title: "reload gate: allocations of a request", unit: "allocations"}
	for range h.rounds {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		for _, c := range []struct {
			name    string
			request func(ctx context.Context, n int) func()
		}{
			{"one is pending", onePending},
			{"none is pending", nonePending},
			{"reloads run all the time", served},
		} {
			took, allocated := contend(c.request, h.requests)
			times.add(c.name, took)
			allocs.add(c.name, allocated)
		}
	}
	times.row("one is pending").target = absolute(200, "ns")
	allocs.row("one is pending").target = absolute(0, "allocations")
	return []*table{times, allocs}, nil
}

// contend runs the function that request returns in as many goroutines as there are
// processors. It returns the average duration and allocations of a call.
func contend(request func(ctx context.Context, n int) func(), each int) (nanoseconds, allocated float64) {
	callers := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	call := request(ctx, callers*each)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range each {
				call()
			}
		})
	}
	group.Wait()
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	calls := uint64(callers * each)
	return float64(took.Nanoseconds()) / float64(each), float64((after.Mallocs - before.Mallocs) / calls)
}

// onePending uses a closed gate with one request that all others join.
func onePending(context.Context, int) func() {
	g := reload.New()
	g.Request()
	return func() { g.Request() }
}

// nonePending uses one gate for each request.
func nonePending(_ context.Context, n int) func() {
	gates := make([]*reload.Gate, n)
	for i := range gates {
		gates[i] = reload.New()
	}
	var next atomic.Int64
	return func() { gates[next.Add(1)-1].Request() }
}

// served uses an open gate and a reload that does nothing, so that a request may or may not
// find another one pending.
func served(ctx context.Context, _ int) func() {
	g := reload.New()
	g.Open()
	go g.Serve(ctx, func(context.Context) error { return nil })
	return func() { g.Request() }
}
