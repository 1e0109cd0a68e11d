//go:build unix

package runner_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/port"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A campaign kills the primary and its workers at random, under load.
type campaign struct {
	*bed
	random  *rand.Rand
	port    int
	primary *process
	workers [2]*process
	kills   map[string]int

	mu    sync.Mutex
	given map[string]bool // keys of runs that are durable according to the API or the command
}

// JOBS_KILLS is the number of kills. JOBS_SEED repeats a run: it determines who is killed in
// which order, and after which time. How far a process gets until then depends on the machine.
func TestRandomKillsLoseNothing(t *testing.T) {
	kills, seed := 20, rand.Uint64()
	if n, err := strconv.Atoi(os.Getenv("JOBS_KILLS")); err == nil {
		kills = n
	}
	if n, err := strconv.ParseUint(os.Getenv("JOBS_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("JOBS_SEED=%d JOBS_KILLS=%d", seed, kills)
	c := &campaign{bed: newBed(t), random: rand.New(rand.NewPCG(seed, 0)), kills: map[string]int{}, given: map[string]bool{}}
	c.configureLoad("1s", "* * * * * *")
	c.start()
	stop := make(chan struct{})
	var load sync.WaitGroup
	for i := range 3 {
		load.Go(func() { c.load(i, stop) })
	}
	for range kills {
		time.Sleep(time.Duration(c.random.IntN(250)) * time.Millisecond) // the moment is what is tested
		c.killSomebody()
	}
	close(stop)
	load.Wait()
	c.settle()
	c.verify()
}

func (c *campaign) configureLoad(lease, schedule string) {
	if c.port == 0 {
		free, err := port.Free(1)
		if err != nil {
			c.t.Fatal(err)
		}
		c.port = free[0]
	}
	// Each attempt reports its identity, takes a moment, and reports that it is done.
	work := `
echo "begin $JOBS_IDEMPOTENCY_KEY $JOBS_RUN_ID $JOBS_ATTEMPT $JOBS_PARAMS" >>"$0/effects"
sleep 0.0$((JOBS_RUN_ID % 10))
echo "end $JOBS_IDEMPOTENCY_KEY $JOBS_RUN_ID $JOBS_ATTEMPT" >>"$0/effects"`
	more := "rerun_if_interrupted = true\n"
	table := fmt.Sprintf("listen = '127.0.0.1:%d'\nlease = '%s'\nmax_crashes = 100000\nkeep = 100000\nmax_running = 4\n", c.port, lease)
	text := "[jobs]\n" + table + c.job("work", work, more) + c.job("queue", work, more+"overlap = 'queue'\n") +
		c.job("clock", work, more+"schedule = '"+schedule+"'\ncatch_up = 'all'\n")
	c.write("config.toml", text)
}

func (c *campaign) start() {
	c.primary = c.bed.primary()
	for i := range c.workers {
		c.workers[i] = c.startWorker(i)
	}
}

func (c *campaign) startWorker(i int) *process {
	return c.bed.start("worker", "--join", fmt.Sprintf("127.0.0.1:%d", c.port), "--worker-name", fmt.Sprintf("w%d", i), "--slots", "2")
}

// killSomebody kills the primary, a worker or all of them, or pauses one until its lease has
// expired.
func (c *campaign) killSomebody() {
	switch n := c.random.IntN(10); {
	case n < 4:
		c.kills["primary"]++
		c.primary.kill()
		c.primary = c.bed.primary()
	case n < 8:
		i := c.random.IntN(len(c.workers))
		c.kills["worker"]++
		c.workers[i].kill()
		c.workers[i] = c.startWorker(i)
	case n < 9:
		c.kills["all"]++
		c.primary.kill()
		for _, w := range c.workers {
			w.kill()
		}
		c.killChildren()
		c.start()
	default:
		c.kills["pause"]++
		w := c.workers[c.random.IntN(len(c.workers))]
		w.signal(syscall.SIGSTOP)
		time.Sleep(time.Duration(c.random.IntN(1500)) * time.Millisecond)
		w.signal(syscall.SIGCONT)
	}
}

// load runs jobs, each with a key, and repeats each request until the run is durable.
func (c *campaign) load(n int, stop <-chan struct{}) {
	for i := 0; ; i++ {
		key := fmt.Sprintf("load-%d-%d", n, i)
		job := []string{"work", "queue"}[min(i%5/4, 1)]
		for {
			select {
			case <-stop:
				return
			case <-time.After(150 * time.Millisecond):
			}
			if c.try(job, key) {
				break
			}
		}
	}
}

func (c *campaign) try(job, key string) bool {
	url := fmt.Sprintf("http://127.0.0.1:%d/v1/jobs/%s/runs", c.port, job)
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"key":%q}`, key)))
	if err != nil {
		return false
	}
	r.Header.Set("Idempotency-Key", key)
	answer, err := client.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.given[key] = true
	return true
}

// settle waits until all durable runs have ended, and stops the primary. On a slow machine no
// run ends within the short lease, and the timetable (kind "clock") begins more of them than are done.
func (c *campaign) settle() {
	c.configureLoad("1h", "0 0 1 1 *")
	wait.Until(c.t, "the primary reloads", func() bool { code, _ := c.call("reload"); return code == 0 })
	wait.Until(c.t, "nothing is open", func() bool {
		return !slices.ContainsFunc(c.list(), func(r run) bool {
			return r.Kind != "clock" && (r.State == "queued" || r.State == "begun" || r.State == "interrupted")
		})
	}, func() string { return fmt.Sprint(c.list(), c.primary.log.String()) })
	for _, w := range c.workers {
		w.signal(syscall.SIGTERM)
		w.exit()
	}
	c.primary.stop()
}

// verify compares the effects of the jobs with the durable runs and with the journal.
func (c *campaign) verify() {
	begun, ended := map[string][]string{}, map[string]int{}
	for _, e := range c.effects() {
		switch e.what {
		case "begin":
			if slices.Contains(begun[e.key], e.run) {
				c.t.Errorf("run %s of %s was begun twice", e.run, e.key)
			}
			begun[e.key] = append(begun[e.key], e.run)
			if strings.HasPrefix(e.key, "load") && e.rest != fmt.Sprintf(`{"key":%q}`, e.key) {
				c.t.Errorf("run %s of %s has other parameters: %s", e.run, e.key, e.rest)
			}
		case "end":
			ended[e.key]++
		}
	}
	for key := range c.given {
		if ended[key] == 0 {
			c.t.Errorf("%s was durable, and is lost", key)
		}
	}
	var runs, reruns, interruptions, finished, clock int
	var last time.Time // of the job for every second: none is lost or doubled
	state := map[string]run{}
	all := c.list()
	for _, r := range all {
		state[strconv.FormatUint(r.ID, 10)] = r
		runs++
		if r.RerunOf != 0 {
			reruns++
		}
		switch r.State {
		case "rerun":
			interruptions++
		case "finished":
			finished++
		case "queued", "interrupted", "begun": // interrupted by the stop at the end; begun: at a worker that has ended
			if r.Kind != "clock" || r.State == "begun" && r.Worker == "" {
				c.t.Errorf("%+v", r)
			}
		default:
			c.t.Errorf("%+v", r)
		}
		if r.Kind == "clock" && r.RerunOf == 0 {
			clock++
			at, err := time.Parse("clock@"+time.RFC3339, r.Known)
			if want := last.Add(time.Second); err != nil || clock > 1 && !at.Equal(want) {
				c.t.Errorf("the clock has had %q, %v: want %s", r.Known, err, want)
			}
			last = at
		}
	}
	if reruns != interruptions {
		c.t.Errorf("%d interruptions, and %d reruns", interruptions, reruns)
	}
	// A run that began more than once was interrupted each time before, and no finished run began again.
	for key, ids := range begun {
		for i, id := range ids {
			last := i == len(ids)-1
			if s := state[id].State; !last && s != "rerun" {
				c.t.Errorf("%s was begun again after run %s, which is %s", key, id, s)
			}
		}
	}
	c.t.Logf("%d kills (%v): %d runs, %d by the clock, %d finished, %d interruptions, %d reruns, %d effects",
		c.kills["primary"]+c.kills["worker"]+c.kills["all"]+c.kills["pause"], c.kills, runs, clock, finished, interruptions, reruns, len(ended))
}
