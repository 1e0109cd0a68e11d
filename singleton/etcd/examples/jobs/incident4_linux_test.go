package main_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// faults are what can happen to work that was started by hand and is under way, over machines.
// Each returns when the work has finished.
var faults = map[string]func(p *plant, key string){
	// c of incident 4: the next primary finds the run, and leaves it to its worker, which is
	// alive.
	"primary killed": func(p *plant, key string) {
		p.begin(key)
		m, _ := p.primary()
		m.kill()
		p.elsewhere(m)
		p.receiver.open(key)
		if last := p.finished(key); last.RerunOf != 0 {
			p.t.Errorf("%s was under way at a worker that lives, and is run again: %+v\n%s", key, last, p.scene())
		}
		m.start()
	},
	// c, and the worker's report waits for the next primary.
	"primary killed, and the work ends meanwhile": func(p *plant, key string) {
		p.begin(key)
		m, _ := p.primary()
		m.kill()
		p.receiver.open(key)
		if last := p.finished(key); last.RerunOf != 0 {
			p.t.Errorf("%s ended without a primary, and is run again: %+v\n%s", key, last, p.scene())
		}
		m.start()
	},
	// d: the worker is restarted at once, and finds its own leftover.
	"worker killed": func(p *plant, key string) {
		e, w := p.begin(key)
		w.kill()
		w.start()
		p.gone(e)
		p.again(key, e)
	},
	// c and d.
	"primary and worker killed": func(p *plant, key string) {
		e, w := p.begin(key)
		m, _ := p.primary()
		m.kill()
		w.kill()
		w.start()
		p.gone(e)
		p.again(key, e)
		m.start()
	},
	// c: a primary that was paused beyond its term wakes up beside the next one.
	"primary paused": func(p *plant, key string) {
		p.begin(key)
		m, _ := p.primary()
		wait.Pause(p.t, m.cmd.Process.Pid)
		p.elsewhere(m)
		p.receiver.open(key)
		p.finished(key)
		m.ends = true
		m.signal(syscall.SIGCONT)
		wait.For(p.t, "a primary that was paused ends", m.over, p.scene)
		m.start()
	},
	// c and d, of everything.
	"all machines die": func(p *plant, key string) {
		e, _ := p.begin(key)
		for _, m := range append(p.machines, p.workers...) {
			m.kill()
		}
		for _, m := range append(p.machines, p.workers...) {
			m.start()
		}
		p.gone(e)
		p.again(key, e)
	},
}

func kill(pid int, s syscall.Signal) { _ = syscall.Kill(pid, s) }

// again waits until work has run again, once, and has finished.
func (p *plant) again(key string, e effect) {
	p.t.Helper()
	p.receiver.open(key)
	p.await(key, e.Run)
	if last := p.finished(key); last.RerunOf != e.Run {
		p.t.Errorf("%s was interrupted as run %d, and its last is %+v\n%s", key, e.Run, last, p.scene())
	}
}

// gone waits until a command has ended, which its keeper ends when its worker is gone.
func (p *plant) gone(e effect) {
	p.t.Helper()
	p.until("the command has ended", func() bool { return ended(e.Command) })
}

// elsewhere waits until another machine has the primary.
func (p *plant) elsewhere(before *machine) {
	p.t.Helper()
	p.until("the primary is elsewhere", func() bool { m, _ := p.primary(); return m != before })
}

func (p *plant) pauseWorker(key string) {
	e, w := p.begin(key)
	for _, pid := range []int{w.cmd.Process.Pid, e.Keeper, e.Command} {
		wait.Pause(p.t, pid)
	}
	p.again(key, e)
	kill(e.Command, syscall.SIGCONT) // it does what it was about to do
	p.gone(e)
	for _, pid := range []int{e.Keeper, w.cmd.Process.Pid} {
		kill(pid, syscall.SIGCONT)
	}
}

// ended reports whether there is no such process any more, or only its remains.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(after, []byte("Z"))
}

func seed(t *testing.T) uint64 {
	t.Helper()
	s := uint64(time.Now().UnixNano()) //nolint:gosec // any will do
	if n, err := strconv.ParseUint(os.Getenv("JOBS_SEED"), 10, 64); err == nil {
		s = n
	}
	t.Logf("replay it with JOBS_SEED=%d", s)
	return s
}

// Machines die or are paused while work that was started by hand is under way. All of it is
// finished, and no fenced effect happens twice. JOBS_FAULTS is the number of faults.
func TestIncident4_OverMachinesNothingIsLostOrDoubled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()                           // most of it is waiting
	p := newPlant(t, seed(t), time.Minute) // longer than it takes until there is another primary
	count := len(faults)
	if n, err := strconv.Atoi(os.Getenv("JOBS_FAULTS")); err == nil {
		count = n
	}
	var kinds []string
	for n := range count {
		if len(kinds) == 0 {
			kinds = slices.Sorted(maps.Keys(faults))
			p.rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		}
		kind := kinds[0]
		kinds = kinds[1:]
		t.Logf("%d: %s", n+1, kind)
		p.submit(fmt.Sprintf("beside-%d", n))
		faults[kind](p, fmt.Sprintf("work-%d", n))
	}
	for _, wrong := range p.check() {
		t.Error(wrong)
	}
}

// b, then d: the machine of a worker dies or is paused beyond its lease, and comes back when
// its work is done. The work of a paused one then goes on before anybody there can notice. If
// its effects are not fenced, they are found to have happened twice: otherwise these tests
// would prove nothing.
func TestIncident4_AWorkersMachineIsAwayBeyondItsLease(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	p := newPlant(t, seed(t), 15*time.Second) // a busy machine keeps a live worker waiting
	e, w := p.begin("dies")
	kill(e.Keeper, syscall.SIGKILL)
	w.kill()
	kill(e.Command, syscall.SIGKILL)
	p.again("dies", e)
	w.start()
	p.pauseWorker("paused")
	if p.receiver.late() == 0 {
		t.Error("the paused command did nothing late")
	}
	if wrong := p.check(); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	p.pauseWorker(bare)
	wrong := p.check()
	if len(wrong) != 1 || !strings.Contains(wrong[0], bare) {
		t.Error("effects that happened twice were not found")
	}
	t.Log(wrong)
}
