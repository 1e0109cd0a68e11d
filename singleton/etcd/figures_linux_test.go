package etcd_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// TestFigures measures the elector beside etcd's own package concurrency, turn by turn in one
// run. It never fails by a time. ETCD_FIGURES is the number of turns; without it, it only
// sees that the figures can be taken:
//
//	ETCD_FIGURES=20 go test -count=1 -v -run TestFigures .
func TestFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	turns := number("ETCD_FIGURES", 0)
	t.Run("handover", func(t *testing.T) { figureHandover(t, max(1, 5*turns)) })
	if turns > 0 {
		t.Run("failover", func(t *testing.T) { figureFailover(t, turns) })
		t.Run("memory", func(t *testing.T) { figureWeight(t, 10*time.Second) })
	}
	crowds, period := []int{0, 100}, 30*time.Second
	if turns == 0 {
		crowds, period = []int{2}, 0
	}
	for _, count := range crowds {
		t.Run(fmt.Sprintf("a leader and %d standbys", count), func(t *testing.T) {
			for _, kind := range []string{ours, theirs, theirsAware} {
				figureCost(t, kind, count, period)
			}
		})
	}
}

// aMember starts a member of etcd as a process.
func aMember(t *testing.T) (*embedded.Member, *exec.Cmd) {
	t.Helper()
	members, err := embedded.Plan(1, t.TempDir())
	must(t, err)
	cmd, _, out := follow(t, "member", "HOLDFAST_MEMBER", membership{Member: members[0]})
	if !out.Scan() || out.Text() != "serves" {
		t.Fatalf("the member says %q", out.Text())
	}
	return members[0], cmd
}

// follow starts this test binary in a role, which ends with the test.
func follow(t *testing.T, role, variable string, v any) (*exec.Cmd, io.Writer, *bufio.Scanner) {
	t.Helper()
	cmd := again(t, role, variable, v)
	in, out := pipes(t, cmd)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, in, out
}

// figureHandover measures the time from the leader's resignation to the next one's election.
func figureHandover(t *testing.T, turns int) {
	member, _ := aMember(t)
	took := map[string][]time.Duration{}
	rivals := map[string][2]contender{}
	kinds := []string{ours, theirs}
	for _, kind := range kinds {
		c := contest{Kind: kind, Endpoints: []string{member.Client}, TTL: time.Minute}
		a, err := c.contender(t.Context(), "a")
		must(t, err)
		b, err := c.contender(t.Context(), "b")
		must(t, err)
		must(t, a.campaign(t.Context()))
		rivals[kind] = [2]contender{a, b}
	}
	for n := range turns {
		for _, kind := range kinds {
			leads, waits := rivals[kind][n%2], rivals[kind][(n+1)%2]
			before := metrics(t, member)[watchers]
			elected := make(chan time.Time, 1)
			go func() {
				if waits.campaign(t.Context()) == nil {
					elected <- time.Now()
				}
			}()
			wait.Until(t, "a candidate that watches", func() bool { return metrics(t, member)[watchers] > before+watches[kind]-1 })
			begin := time.Now()
			must(t, leads.resign(t.Context()))
			took[kind] = append(took[kind], wait.For(t, "the next leader", elected).Sub(begin))
			wait.Until(t, "the end of the watch", func() bool { return metrics(t, member)[watchers] <= before })
		}
	}
	tell(t, "handover on stop", kinds, took)
}

// watches is how many watches a candidate has that waits.
var watches = map[string]float64{ours: 2, theirs: 1, theirsAware: 2}

// figureFailover measures the time from kill -9 of the leader to the next one's election.
func figureFailover(t *testing.T, turns int) {
	member, _ := aMember(t)
	took := map[string][]time.Duration{}
	kinds := []string{ours, theirs}
	for range turns {
		for _, kind := range kinds {
			c := contest{Kind: kind, Endpoints: []string{member.Client}, TTL: 2 * time.Second, Count: 1}
			leader, _, out := follow(t, "contest", "HOLDFAST_CONTEST", c)
			if !out.Scan() {
				t.Fatal("nobody was elected")
			}
			before := metrics(t, member)[watchers]
			next, err := c.contender(t.Context(), "next")
			must(t, err)
			elected := make(chan time.Time, 1)
			go func() {
				if next.campaign(t.Context()) == nil {
					elected <- time.Now()
				}
			}()
			wait.Until(t, "a candidate that watches", func() bool { return metrics(t, member)[watchers] > before+watches[kind]-1 })
			time.Sleep(time.Duration(len(took[kind])%4) * c.TTL / 12) // the renewals come at any time before
			begin := time.Now()
			must(t, leader.Process.Kill())
			took[kind] = append(took[kind], wait.For(t, "the next leader", elected).Sub(begin))
			must(t, next.resign(t.Context()))
		}
	}
	tell(t, "failover after kill -9, with a TTL of 2s", kinds, took)
}

// tell logs the median and the worst of each kind.
func tell(t *testing.T, what string, kinds []string, took map[string][]time.Duration) {
	t.Helper()
	median := map[string]time.Duration{}
	for _, kind := range kinds {
		slices.Sort(took[kind])
		median[kind] = took[kind][len(took[kind])/2]
		t.Logf("%s: %-22s median %8v, worst %8v, of %d", what, kind, median[kind].Round(10*time.Microsecond),
			took[kind][len(took[kind])-1].Round(10*time.Microsecond), len(took[kind]))
	}
	t.Logf("%s: ratio of the medians %.2f", what, float64(median[ours])/float64(median[theirs]))
}

// figureCost measures what a leader and some candidates that wait cost etcd.
func figureCost(t *testing.T, kind string, waiting int, period time.Duration) {
	t.Helper()
	member, server := aMember(t)
	idle, idleWeight := metrics(t, member), weight(t, server)
	c := contest{Kind: kind, Endpoints: []string{member.Client}, TTL: 6 * time.Second, Count: waiting + 1}
	_, in, out := follow(t, "contest", "HOLDFAST_CONTEST", c)
	if !out.Scan() {
		t.Fatal("nobody was elected")
	}
	want := float64(waiting) * watches[kind]
	if kind == theirsAware {
		want++ // the leader observes, too
	}
	wait.Until(t, "all to watch", func() bool { return metrics(t, member)[watchers] >= want })
	begin, processor := metrics(t, member), processorTime(t, server)
	time.Sleep(period)
	end := metrics(t, member)
	t.Logf("%-33s %3.0f keys, %3.0f watchers, %3.0f streams of watches; in %v %4.0f renewals, %4.0f other requests, %v of etcd's processor time; "+
		"etcd's memory grew by %.1f MiB", kind, end[keys]-idle[keys], end[watchers], end[streams], period, end[renewals]-begin[renewals],
		(end[requests]-end[renewals])-(begin[requests]-begin[renewals]), processorTime(t, server)-processor,
		float64(weight(t, server)-idleWeight)/(1<<20))
	if kind == ours && end[streams] > float64(waiting+1) { // a count, which no slow machine changes
		t.Errorf("%d candidates have %.0f streams of watches", waiting+1, end[streams])
	}
	if waiting == 0 {
		return
	}
	begin = metrics(t, member)
	_, err := fmt.Fprintln(in, "resign 0s")
	must(t, err)
	if !out.Scan() {
		t.Fatal("nobody was elected")
	}
	end = metrics(t, member)
	t.Logf("%-33s a handover: %.0f requests", kind, (end[requests]-end[renewals])-(begin[requests]-begin[renewals]))
}

// names of what etcd counts.
const (
	watchers = "etcd_debugging_mvcc_watcher_total"
	streams  = "etcd_debugging_mvcc_watch_stream_total"
	keys     = "etcd_debugging_mvcc_keys_total"
	requests = "grpc_server_msg_received_total"
	renewals = requests + " LeaseKeepAlive"
)

var metric = regexp.MustCompile(`(?m)^(\w+)(\{.*\})? (\S+)$`)

// metrics returns what a member counts, the sums over all labels.
func metrics(t *testing.T, m *embedded.Member) map[string]float64 {
	t.Helper()
	resp, err := http.Get(m.Client + "/metrics") //nolint:noctx // a test's own
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	sums := map[string]float64{}
	for _, found := range metric.FindAllStringSubmatch(string(text), -1) {
		value, err := strconv.ParseFloat(found[3], 64)
		must(t, err)
		sums[found[1]] += value
		if strings.Contains(found[2], `grpc_method="LeaseKeepAlive"`) {
			sums[found[1]+" LeaseKeepAlive"] += value
		}
	}
	return sums
}

// weight returns the resident memory of a process, in bytes.
func weight(t *testing.T, cmd *exec.Cmd) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", cmd.Process.Pid))
	must(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	must(t, err)
	return pages * int64(syscall.Getpagesize())
}

// processorTime returns how long a process has run.
func processorTime(t *testing.T, cmd *exec.Cmd) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	must(t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, field := range fields[11:13] { // user and system
		n, err := strconv.ParseInt(field, 10, 64)
		must(t, err)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}
