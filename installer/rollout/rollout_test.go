package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/installer/rollout"
	"github.com/holdfast-dev/holdfast/test/machines"
)

const (
	newer = "aaaaaaaaaaaaaaaa" // digests
	other = "bbbbbbbbbbbbbbbb"
)

// A cluster has machines that show themselves, and commands on them.
type cluster struct {
	t     *testing.T
	board machines.Board

	mu      sync.Mutex
	members map[string]rollout.Member
	live    map[string]bool
	away    int // how many machines do not serve, now and at most
	most    int
	order   []string // which machines took their turn, "-m3" for one that went back
	said    map[string][]string
	upgrade func(ctx context.Context, machine string, nth int) rollout.Outcome // the nth that took its turn, from 1
}

func newCluster(t *testing.T, n int) *cluster {
	c := &cluster{t: t, members: map[string]rollout.Member{}, live: map[string]bool{}, said: map[string][]string{}}
	for i := range n {
		c.show(name(i), rollout.Member{Version: "1", Ready: true, Leader: i == 0})
	}
	c.upgrade = c.good
	return c
}

func name(i int) string { return fmt.Sprintf("m%02d", i) }

func (c *cluster) show(machine string, m rollout.Member) {
	entry, err := json.Marshal(m)
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	c.members[machine], c.live[machine] = m, true
	c.count()
	c.mu.Unlock()
	c.board.Show(machine, entry)
}

func (c *cluster) down(machine string) {
	c.mu.Lock()
	c.live[machine] = false
	c.count()
	c.mu.Unlock()
	c.board.Down(machine)
}

func (c *cluster) count() {
	c.away = 0
	for machine, m := range c.members {
		if !m.Ready || !c.live[machine] {
			c.away++
		}
	}
	c.most = max(c.most, c.away)
}

// leads makes a machine the leader, and the others not.
func (c *cluster) lead() {
	c.mu.Lock()
	next := ""
	for machine, m := range c.members {
		if m.Leader && c.live[machine] && m.Ready {
			c.mu.Unlock()
			return
		}
		if c.live[machine] && m.Ready && (next == "" || machine < next) {
			next = machine
		}
	}
	m := c.members[next]
	m.Leader = true
	c.mu.Unlock()
	if next != "" {
		c.show(next, m)
	}
}

// becomes restarts a machine with that version.
func (c *cluster) becomes(machine, version string) {
	c.show(machine, rollout.Member{Version: version})
	c.lead()
	time.Sleep(10 * time.Second) // within the bubble
	c.show(machine, rollout.Member{Version: version, Ready: true})
	c.lead()
}

func (c *cluster) good(_ context.Context, machine string, _ int) rollout.Outcome {
	c.becomes(machine, "2")
	return rollout.Outcome{State: rollout.Confirmed, SHA256: newer, Version: "2"}
}

// bad makes the new version fail on the n-th machine.
func (c *cluster) bad(n int) func(context.Context, string, int) rollout.Outcome {
	return func(ctx context.Context, machine string, nth int) rollout.Outcome {
		if nth != n {
			return c.good(ctx, machine, nth)
		}
		c.becomes(machine, "1")
		return rollout.Outcome{State: rollout.RolledBack, SHA256: newer, Version: "2", Why: "it panics"}
	}
}

func (c *cluster) took(machine string) (nth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order = append(c.order, machine)
	return len(c.order)
}

func rules() rollout.Rules {
	return rollout.Rules{Canaries: 1, CanarySettle: time.Minute, MaxUnavailable: 1, LeaderLast: true}
}

func (c *cluster) party(machine, digest string, r rollout.Rules) *rollout.Party {
	return &rollout.Party{Options: rollout.Options{
		Roster: c.board.Roster(), Machine: machine, SHA256: digest, By: "ada", Rules: r,
		Member: func(entry []byte) (m rollout.Member) { _ = json.Unmarshal(entry, &m); return m },
		Notes:  func(string) {},
		Waits: func(text string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.said[machine] = append(c.said[machine], text)
		},
	}}
}

// command is `upgrade --in-turn` on a machine: it returns "confirmed", "went back", or why not.
func (c *cluster) command(ctx context.Context, machine, digest string, r rollout.Rules) (string, error) {
	p := c.party(machine, digest, r)
	defer func() { _ = p.Roster.Close() }()
	if _, err := p.Join(ctx); err != nil {
		return "", err
	}
	id := machine + digest
	if err := p.Take(ctx, id); err != nil {
		return "", err
	}
	o := c.upgrade(ctx, machine, c.took(machine))
	if err := p.Report(ctx, id, o); err != nil {
		return "", err
	}
	if o.State != rollout.Confirmed {
		return string(o.State), nil
	}
	back, err := p.Finish(ctx, id+"back")
	if err != nil || !back {
		return "confirmed", err
	}
	c.took("-" + machine)
	c.becomes(machine, "1")
	return "went back", p.Report(ctx, id+"back", rollout.Outcome{State: rollout.Returned})
}

// all gives the same command on all machines at once, and returns what each of them says.
func (c *cluster) all(ctx context.Context, n int, r rollout.Rules) map[string]string {
	said := map[string]string{}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			text, err := c.command(ctx, name(i), newer, r)
			if err != nil {
				text = err.Error()
			}
			c.mu.Lock()
			said[name(i)] = text
			c.mu.Unlock()
		})
	}
	all.Wait()
	return said
}

func (c *cluster) versions() (all []string) {
	for i := range len(c.members) {
		all = append(all, c.members[name(i)].Version)
	}
	return all
}

func (c *cluster) plan() rollout.Plan {
	c.t.Helper()
	b, err := c.board.Roster().Look(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	p, err := rollout.ParsePlan(b.Plan)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func TestTwelveMachinesInTurns(t *testing.T) {
	for _, most := range []int{1, 3} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 12)
				r := rules()
				r.MaxUnavailable, r.Canaries = most, 2
				begun := time.Now()
				said := c.all(t.Context(), 12, r)
				for machine, text := range said {
					if text != "confirmed" {
						t.Errorf("%s: %s", machine, text)
					}
				}
				if c.most != most || len(c.order) != 12 || c.order[11] != "m00" {
					t.Errorf("at most %d were away, in the order %v", c.most, c.order)
				}
				if took := time.Since(begun); took < time.Minute+50*time.Second/time.Duration(most) {
					t.Errorf("the canaries did not settle: it took %v", took)
				}
				if p := c.plan(); !p.Rollout.Open || p.Rollout.Stopped || p.Rollout.Version != "2" || len(p.Pinned) != 0 {
					t.Errorf("%+v", p.Rollout)
				}
			})
		})
	}
}

// Incident 3: a bad release stops after the first machine, and twelve are on the old version.
func TestIncident3_ABadReleaseStopsAfterTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 12)
		c.upgrade = c.bad(1)
		said := c.all(t.Context(), 12, rules())
		if len(c.order) != 1 || said[c.order[0]] != "rolled-back" {
			t.Errorf("%v took their turn: %v", c.order, said)
		}
		for machine, text := range said {
			if machine != c.order[0] && !strings.HasPrefix(text, "the rollout was stopped: 2 (aaaaaaaa) was rolled back on "+c.order[0]+": it panics") {
				t.Errorf("%s says %q", machine, text)
			}
		}
		if !slices.Equal(slices.Compact(c.versions()), []string{"1"}) {
			t.Errorf("they run %v", c.versions())
		}
		// Nobody takes it again, unless a person insists.
		p := c.party("m05", newer, rules())
		if _, err := p.Join(t.Context()); !errors.Is(err, rollout.ErrPinned) || !strings.Contains(err.Error(), "it panics") {
			t.Error(err)
		}
		p.Force = true
		if _, err := p.Join(t.Context()); err != nil || len(c.plan().Pinned) != 0 {
			t.Error(err, c.plan().Pinned)
		}
	})
}

// The machines that have it already go back, also in turns, and the leader last.
func TestALateFailureBringsAllBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 12)
		c.upgrade = c.bad(7)
		said := c.all(t.Context(), 12, rules())
		count := map[string]int{}
		for _, text := range said {
			text, _, _ = strings.Cut(text, ":")
			count[text]++
		}
		if count["went back"] != 6 || count["rolled-back"] != 1 || count["the rollout was stopped"] != 5 || c.most != 1 || len(c.order) != 13 {
			t.Errorf("%v, at most %d away, in the order %v", count, c.most, c.order)
		}
		if !slices.Equal(slices.Compact(c.versions()), []string{"1"}) {
			t.Errorf("they run %v", c.versions())
		}
	})
}

// A machine that dies in its turn blocks the others, until it is released.
func TestAMachineThatDiesInItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4)
		dead := ""
		dies := map[string]context.CancelFunc{}
		c.upgrade = func(ctx context.Context, machine string, nth int) rollout.Outcome {
			if nth == 2 {
				dead = machine
				c.down(machine)
				dies[machine]()
				return rollout.Outcome{State: rollout.Confirmed}
			}
			return c.good(ctx, machine, nth)
		}
		all := map[string]string{}
		var each sync.WaitGroup
		for i := range 4 {
			ctx, cancel := context.WithCancel(t.Context())
			dies[name(i)] = cancel
			each.Go(func() {
				text, err := c.command(ctx, name(i), newer, rules())
				c.mu.Lock()
				defer c.mu.Unlock()
				all[name(i)] = fmt.Sprint(text, err)
			})
		}
		time.Sleep(24 * time.Hour) // within the bubble
		if last := c.plan().Rollout.Turn(dead); last == nil || last.State != rollout.Upgrading || len(c.order) != 2 {
			t.Errorf("the order is %v, and the turn %+v", c.order, last)
		}
		if says := c.said["m00"]; !strings.Contains(says[len(says)-1], dead+" is in its turn since") || !strings.Contains(says[len(says)-1], "is down: repeat the upgrade there, or run `fleet release "+dead+"` to go on without it") {
			t.Errorf("it says %q", says)
		}
		if released, err := c.party("", "", rules()).Release(t.Context(), dead); err != nil || !released {
			t.Errorf("%v, %v", released, err)
		}
		each.Wait()
		if len(c.order) != 4 || c.order[3] != "m00" || !strings.Contains(all["m00"], "confirmed") {
			t.Errorf("the order is %v: %v", c.order, all)
		}
		if released, err := c.party("", "", rules()).Release(t.Context(), c.order[0]); err != nil || released {
			t.Errorf("one that nobody waits for: %v, %v", released, err)
		}
		for _, cancel := range dies {
			cancel()
		}
	})
}

// Of two rollouts that begin at once, one waits for nobody and is refused.
func TestTwoRolloutsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		errs := make(chan error, 2)
		for i, digest := range []string{newer, other} {
			go func() {
				_, err := c.command(t.Context(), name(i), digest, rollout.Rules{Canaries: 1, MaxUnavailable: 1})
				errs <- err
			}()
		}
		one, two := <-errs, <-errs
		if one == nil {
			one, two = two, one
		}
		if !errors.Is(one, rollout.ErrOther) || two != nil || len(c.order) != 1 {
			t.Errorf("%v, %v, %v", one, two, c.order)
		}
		if _, err := c.command(t.Context(), "m00", other, rollout.Rules{Canaries: 1, MaxUnavailable: 1}); err != nil { // the first one is over
			t.Error(err)
		}
	})
}

// Two commands wait on one machine: the second does not take the turn of the first, whose outcome
// would otherwise be lost.
func TestTwoCommandsOnOneMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		a, b := c.party("m01", newer, rules()), c.party("m01", newer, rules())
		for _, p := range []*rollout.Party{a, b} {
			if _, err := p.Join(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Take(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if err := b.Take(t.Context(), "b"); !errors.Is(err, rollout.ErrOther) {
			t.Error(err)
		}
		if err := a.Report(t.Context(), "a", rollout.Outcome{State: rollout.RolledBack, SHA256: newer, Why: "it panics"}); err != nil {
			t.Fatal(err)
		}
		if p := c.plan(); !p.Rollout.Stopped || p.Pin(newer) == nil || p.Rollout.Turn("m01").State != rollout.RolledBack {
			t.Errorf("%+v", p.Rollout)
		}
		if released, err := a.Release(t.Context(), "nobody"); err != nil || released {
			t.Errorf("a machine that was never seen: %v, %v", released, err)
		}
	})
}

// While one machine is down, none begins, and it is said which. The engine may be away.
func TestUnavailableMachinesAndEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		c.down("m02")
		ctx, interrupt := context.WithCancelCause(t.Context())
		done := make(chan error)
		go func() { _, err := c.command(ctx, "m01", newer, rules()); done <- err }()
		time.Sleep(time.Hour)
		synctest.Wait()
		c.board.Away(errors.New("etcd does not answer"))
		time.Sleep(time.Hour)
		synctest.Wait()
		if says := c.said["m01"]; !slices.Equal(says, []string{"m02 is down: bring it up, or run `fleet release m02` to go on without it", "the cluster's engine: etcd does not answer"}) {
			t.Errorf("it says %q", says)
		}
		c.board.Away(nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		interrupt(errors.New("interrupted"))
		if err := <-done; err == nil || err.Error() != "interrupted" || len(c.plan().Rollout.Turns) != 0 {
			t.Errorf("%v, %v", err, c.plan().Rollout.Turns)
		}
		c.show("m02", rollout.Member{Ready: false})
		p := c.party("m01", newer, rules())
		within, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _ = p.Join(t.Context())
		if err := p.Take(within, "x"); !errors.Is(err, context.DeadlineExceeded) || !slices.Contains(c.said["m01"], "m02 is not ready: bring it up, or run `fleet release m02` to go on without it") {
			t.Errorf("%v, %q", err, c.said["m01"])
		}
	})
}

// A canary that does not serve any more keeps the others from beginning.
func TestACanaryThatFailsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		r := rules()
		r.MaxUnavailable = 2
		c.upgrade = func(ctx context.Context, machine string, nth int) rollout.Outcome {
			o := c.good(ctx, machine, nth)
			if nth == 1 {
				time.AfterFunc(30*time.Second, func() { c.show(machine, rollout.Member{Version: "2"}) })
			}
			return o
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		c.all(ctx, 3, r)
		if len(c.order) != 1 || c.plan().Rollout.Open {
			t.Errorf("%v began", c.order)
		}
	})
}

// Whatever happens, and in whatever order, the rules hold: seeds that replay.
func TestRulesHold(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 17)) //nolint:gosec // no secret
			n := 2 + rnd.IntN(11)
			r := rollout.Rules{Canaries: 1 + rnd.IntN(3), CanarySettle: time.Minute, MaxUnavailable: 1 + rnd.IntN(3), LeaderLast: rnd.IntN(2) == 0}
			fails := rnd.IntN(2 * n) // beyond n: none
			c := newCluster(t, n)
			c.upgrade = c.bad(fails + 1)
			open, begun := false, 0
			c.board.Wrote = func(content []byte) {
				p, err := rollout.ParsePlan(content)
				if err != nil || p.Rollout == nil {
					t.Error(err)
					return
				}
				turns, started := 0, 0
				for _, turn := range p.Rollout.Turns {
					if turn.Begun() {
						turns++
					}
					if turn.State != rollout.Refused {
						started++
					}
				}
				c.mu.Lock()
				defer c.mu.Unlock()
				if turns > r.MaxUnavailable || !open && !p.Rollout.Open && started > r.Canaries || p.Rollout.Stopped && started > begun {
					t.Errorf("seed %d: %d in their turn: %s", seed, turns, content)
				}
				open, begun = p.Rollout.Open, started
			}
			away := time.AfterFunc(time.Duration(rnd.IntN(300))*time.Second, func() { c.board.Away(errors.New("away")) })
			defer away.Stop()
			back := time.AfterFunc(400*time.Second, func() { c.board.Away(nil) })
			defer back.Stop()
			said := map[string]string{}
			var all sync.WaitGroup
			for i := range n {
				late := time.Duration(rnd.IntN(30)) * time.Second
				all.Go(func() {
					time.Sleep(late)
					text, err := c.command(t.Context(), name(i), newer, r)
					c.mu.Lock()
					defer c.mu.Unlock()
					said[name(i)] = fmt.Sprint(text, err)
				})
			}
			all.Wait()
			want := "1"
			if fails >= n {
				want = "2"
			}
			if got := slices.Compact(c.versions()); !slices.Equal(got, []string{want}) || c.most > r.MaxUnavailable {
				t.Errorf("seed %d: with %v, failing %d, %d machines run %v, and %d were away: %v\n%v", seed, r, fails, n, got, c.most, c.order, said)
			}
		})
	}
}
