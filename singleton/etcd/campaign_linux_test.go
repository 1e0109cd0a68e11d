package etcd_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// play plays faults until there were enough. The first ones are one of each kind.
func (f *field) play(kinds []string, count int) {
	f.work()
	var left []string
	for n := range count {
		if len(left) == 0 {
			left = slices.Clone(kinds)
			f.rand.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		}
		now, err := proc.Boottime()
		must(f.t, err)
		f.t.Logf("%d: %s, at %v", n+1, left[0], now)
		faults[left[0]](f)
		f.played[left[0]]++
		left = left[1:]
	}
	f.work()
}

// kept returns the values that etcd has now.
func (f *field) kept() values {
	f.t.Helper()
	got, err := client(f.t, f.members).Get(f.t.Context(), "/faults/", clientv3.WithPrefix())
	must(f.t, err)
	kept := values{has: map[int64]bool{}, writes: map[string]int64{}}
	for _, kv := range got.Kvs {
		value, err := strconv.ParseInt(string(kv.Value), 10, 64)
		must(f.t, err)
		kept.has[value] = true
		key := registerKey
		if strings.HasPrefix(string(kv.Key), listKey) {
			key = listKey
		}
		kept.writes[key] += kv.Version
	}
	return kept
}

// A tally is the result of a campaign of faults.
type tally struct {
	played                       map[string]int
	reported                     map[string]int
	steppedClocks, shiftedClocks int
	overlapping, unlinear        []string
}

// check ends the candidates, and returns the result.
func (f *field) check() tally {
	for _, c := range f.candidates {
		f.signal(c.cmd, syscall.SIGKILL)
		<-c.over
	}
	kept, all := f.kept(), f.all()
	for _, r := range all {
		f.reported[r.Kind]++
		if r.Failed != "" {
			f.reported[r.Failed]++
		}
		if r.Ahead > 0 {
			f.shiftedClocks++
		}
	}
	f.overlapping, f.unlinear = overlaps(all), faulty(all, kept, time.Hour)
	return f.tally
}

func newTally() tally { return tally{played: map[string]int{}, reported: map[string]int{}} }

func (c *tally) add(o tally) {
	for to, from := range map[*map[string]int]map[string]int{&c.played: o.played, &c.reported: o.reported} {
		for key, n := range from {
			(*to)[key] += n
		}
	}
	c.steppedClocks += o.steppedClocks
	c.shiftedClocks += o.shiftedClocks
	c.overlapping = append(c.overlapping, o.overlapping...)
	c.unlinear = append(c.unlinear, o.unlinear...)
}

func (c *tally) String() string {
	total := 0
	for _, n := range c.played {
		total += n
	}
	return fmt.Sprintf("%d faults of %d kinds: %d terms, of which %d on clocks of their own; %d steps of the time of day; %d operations, "+
		"of which %d were refused by the fence and %d have an unknown end; %d overlaps, %d histories that are not linearizable",
		total, len(c.played), c.reported["start"], c.shiftedClocks, c.steppedClocks, c.reported["call"], c.reported["fenced"],
		c.reported["unknown"], len(c.overlapping), len(c.unlinear))
}

// number returns the number in a variable of the environment, or usual.
func number(variable string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return usual
}

func seed(t *testing.T) uint64 {
	t.Helper()
	return uint64(number("ETCD_SEED", time.Now().Nanosecond())) //nolint:gosec // any will do
}

// round is how many faults one cluster sees. A history of that length is checked at once, and
// a round that finds something is replayed alone. A slice of a round is enough for each change.
const round, slice = 40, 12

// kinds returns the kinds of faults whose names match ETCD_KINDS.
func kinds(t *testing.T) []string {
	t.Helper()
	wanted, err := regexp.Compile(os.Getenv("ETCD_KINDS"))
	must(t, err)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(faults)), func(kind string) bool { return !wanted.MatchString(kind) })
}

// However processes die, sleep and are cut off, whatever their clocks show and however slow
// etcd's disks are, no two terms overlap, and what the leaders write on the condition of their
// term is as one machine would have written it. A campaign of more faults, as ETCD_FAULTS
// says, has rounds, each on a cluster of its own. The first one has 100 candidates.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	var mu sync.Mutex
	total, first := newTally(), seed(t)
	t.Cleanup(func() { t.Log("all: " + total.String()) })
	left := number("ETCD_FAULTS", slice)
	crowd := left > round
	for n := first; left > 0; n++ {
		candidates, count := 4, min(left, round)
		if crowd && n == first {
			candidates = 100
		}
		candidates = number("ETCD_CANDIDATES", candidates)
		left -= count
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			t.Logf("replay it with ETCD_SEED=%d ETCD_FAULTS=%d ETCD_CANDIDATES=%d", n, count, candidates)
			f := newField(t, plan{seed: n, candidates: candidates})
			f.play(kinds(t), count)
			found := f.check()
			t.Log(found.String())
			for _, wrong := range append(found.overlapping, found.unlinear...) {
				t.Error(wrong)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(found)
		})
	}
}

// ownMember has the faults that only a member can have that is a process of the test binary.
var ownMember = []string{"the disk of etcd's leader slow", "every disk of etcd slow", "the time of day of etcd's leader steps"}

// The same with the etcd that the system has, such as Debian's.
func TestFaultsOfTheSystemsEtcd(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	program, err := exec.LookPath("etcd")
	if err != nil {
		t.Skip("there is no etcd (Debian: etcd-server): ", err)
	}
	possible := slices.DeleteFunc(kinds(t), func(kind string) bool { return slices.Contains(ownMember, kind) })
	count := 3
	if number("ETCD_FAULTS", 0) > round {
		count = 3 * len(possible)
	}
	s := seed(t)
	t.Logf("replay it with ETCD_SEED=%d", s)
	f := newField(t, plan{seed: s, candidates: 3, program: program})
	f.play(possible, count)
	found := f.check()
	t.Log(found.String())
	for _, wrong := range append(found.overlapping, found.unlinear...) {
		t.Error(wrong)
	}
}

// The same without the fence is found faulty: otherwise TestFaults would prove nothing.
func TestWithoutFencingTheCheckFinds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	s := seed(t)
	t.Logf("replay it with ETCD_SEED=%d", s)
	f := newField(t, plan{seed: s, candidates: 3, unfenced: true})
	f.play([]string{"leader paused beyond its term, between its look and its write"}, 2)
	found := f.check()
	t.Log(found.String())
	if len(found.overlapping) > 0 {
		t.Errorf("the terms themselves overlap: %s", strings.Join(found.overlapping, "\n"))
	}
	if len(found.unlinear) == 0 {
		t.Error("an unfenced write of an old leader was not found")
	}
	t.Log(found.unlinear)
}
