package etcd_test

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/test/wait"
)

func (f *field) status(i int) (*clientv3.StatusResponse, error) {
	c, err := (&etcd.Dialer{Endpoints: []string{f.members[i].Client}}).Connect(f.t.Context())
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Second)
	defer cancel()
	return c.Status(ctx, f.members[i].Client)
}

// faults are the kinds of faults. Each waits until the service works again.
var faults = map[string]func(f *field){
	"leader killed": func(f *field) {
		r, token := f.leads()
		f.signal(r.cmd, syscall.SIGKILL)
		f.restart(r)
		f.successor(token)
	},
	"leader stopped in order": func(f *field) {
		r, token := f.leads()
		f.signal(r.cmd, syscall.SIGTERM)
		f.restart(r)
		f.successor(token)
	},
	"leader paused beyond its term": func(f *field) {
		r, token := f.leads()
		wait.Pause(f.t, r.cmd.Process.Pid)
		f.successor(token)
		f.signal(r.cmd, syscall.SIGCONT)
	},
	"leader paused beyond its term, between its look and its write": func(f *field) {
		now := f.now() // the term may end as soon as somebody leads
		r, token := f.leads()
		f.signal(r.cmd, syscall.SIGUSR1)
		paused := report{Who: r.part.Who}
		f.await(now, 1, "the pause, or the end of the term", func(r report) bool {
			if r.Who == paused.Who {
				paused = r
			}
			return r.Who == paused.Who && r.Token >= token && (r.Kind == "pausing" || r.Kind == "stop")
		})
		if paused.Kind == "stop" { // lost before that
			return
		}
		f.successor(paused.Token)
		now = f.now()
		f.signal(r.cmd, syscall.SIGCONT)
		f.await(now, 1, "the end of what was paused", func(r report) bool { return r.Kind == "return" && r.Token == paused.Token })
		f.work()
	},
	"leader paused for a moment": func(f *field) {
		r, _ := f.leads()
		f.signal(r.cmd, syscall.SIGSTOP)
		time.Sleep(f.moment())
		f.signal(r.cmd, syscall.SIGCONT)
		f.work()
	},
	"leader cut off":                 func(f *field) { f.cutOff(true, true) },
	"leader hears nothing":           func(f *field) { f.cutOff(false, true) },
	"leader is not heard":            func(f *field) { f.cutOff(true, false) },
	"leader cut off from one member": func(f *field) { f.cutOne() },
	"etcd's leader killed":           func(f *field) { f.killServer(true) },
	"a follower of etcd killed":      func(f *field) { f.killServer(false) },
	"etcd's leader paused": func(f *field) {
		s := f.servers[f.server(true)].cmd
		f.signal(s, syscall.SIGSTOP)
		// Not for as long as a lease: a leader of etcd that is woken then ends leases that were
		// renewed at its successor, before it notices that it leads no longer (docs/clusters.md).
		time.Sleep(f.moment() / 2)
		f.signal(s, syscall.SIGCONT)
		f.work()
	},
	"etcd's leader not reached by the other members": func(f *field) {
		p := f.peers[f.server(true)]
		p.cut(true, true)
		time.Sleep(f.moment())
		p.cut(false, false)
		f.work() // while it lasts, each third request waits in vain
	},
	"the disk of etcd's leader slow": func(f *field) { f.slowDisks(700*time.Millisecond, f.server(true)) },
	"every disk of etcd slow":        func(f *field) { f.slowDisks(200*time.Millisecond, 0, 1, 2) },
	"the leader's time of day steps": func(f *field) {
		r, _ := f.leads()
		f.step(r)
		f.work()
	},
	"the leader's time of day steps, and it is paused beyond its term": func(f *field) {
		r, token := f.leads()
		f.step(r)
		time.Sleep(f.moment()) // before or after a renewal
		wait.Pause(f.t, r.cmd.Process.Pid)
		f.successor(token)
		f.signal(r.cmd, syscall.SIGCONT)
	},
	"the time of day of etcd's leader steps": func(f *field) { f.stepServer(f.server(true)) },
	"a candidate that waits killed": func(f *field) {
		r, _ := f.leads()
		for _, other := range f.candidates {
			if other != r {
				f.signal(other.cmd, syscall.SIGKILL)
				f.restart(other)
				break
			}
		}
		f.work()
	},
}

// moment is the length of a fault that may or may not end a term. It is no wait for anything.
func (f *field) moment() time.Duration { return time.Duration(f.rand.Int64N(int64(ttl))) }

func (f *field) cutOff(up, down bool) {
	r, token := f.leads()
	for _, p := range r.proxies {
		p.cut(up, down)
	}
	f.successor(token)
	for _, p := range r.proxies {
		p.cut(false, false)
	}
}

func (f *field) cutOne() {
	r, _ := f.leads()
	p := r.proxies[f.rand.IntN(len(r.proxies))]
	p.cut(true, true)
	time.Sleep(f.moment())
	f.work()
	p.cut(false, false)
}

func (f *field) killServer(leads bool) {
	i := f.server(leads)
	f.signal(f.servers[i].cmd, syscall.SIGKILL)
	_ = f.servers[i].cmd.Wait()
	f.work()
	f.serve(i)()
}

// slowDisks makes each sync of these members take some time, up to longest, for a while.
func (f *field) slowDisks(longest time.Duration, members ...int) {
	takes := longest/5 + time.Duration(f.rand.Int64N(int64(longest*4/5)))
	set := func(takes time.Duration) {
		for _, i := range members {
			took, err := time.ParseDuration(f.tell(i, "disk", takes))
			must(f.t, err)
			if took < takes {
				f.t.Fatalf("a sync takes %v instead of %v", took, takes)
			}
		}
	}
	set(takes)
	time.Sleep(f.moment())
	set(0)
	f.work()
}

// step sets the time of day of a candidate's process, and checks that it has changed.
func (f *field) step(r *runner) {
	by, now := f.steps(&r.stepped), f.now()
	_, err := fmt.Fprintln(r.in, "clock", by)
	must(f.t, err)
	f.await(now, 1, "the step of a candidate's time of day", func(report report) bool {
		if report.Kind != "stepped" || report.Who != r.part.Who {
			return false
		}
		f.stepped(report.Wall, r.stepped)
		return true
	})
}

// stepServer does the same to a member of etcd.
func (f *field) stepServer(i int) {
	s := &f.servers[i]
	by := f.steps(&s.stepped)
	wall, err := strconv.ParseInt(f.tell(i, "clock", by), 10, 64)
	must(f.t, err)
	f.stepped(wall, s.stepped)
	f.work()
}

// steps returns by how much a time of day steps that has stepped by so much so far: it ends
// up some hours to forty days before or after the machine's.
func (f *field) steps(sum *time.Duration) time.Duration {
	before := *sum
	*sum = time.Duration(2+f.rand.IntN(1000)) * time.Hour
	if f.rand.IntN(2) == 0 {
		*sum = -*sum
	}
	return *sum - before
}

// stepped fails the test if a process's time of day is not what it was set to.
func (f *field) stepped(wall int64, to time.Duration) {
	f.t.Helper()
	if off := time.Since(time.Unix(wall, 0).Add(-to)); off.Abs() > time.Hour {
		f.t.Fatalf("the time of day was set %v ahead, and is off by %v", to, off)
	}
	f.steppedClocks++
}

// tell tells a member what to do, and returns its answer.
func (f *field) tell(i int, what string, by time.Duration) string {
	f.t.Helper()
	_, err := fmt.Fprintln(f.servers[i].in, what, by)
	must(f.t, err)
	return f.servers[i].line()
}
