package journalstore_test

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/test/journaltest"
)

// JOURNAL_KILLS sets how often the leader is killed. JOURNAL_SEED repeats a run.
func TestKilledAtRandomItLosesNothing(t *testing.T) {
	kills, seed := 5, rand.Uint64()
	if n, err := strconv.Atoi(os.Getenv("JOURNAL_KILLS")); err == nil {
		kills = n
	}
	if n, err := strconv.ParseUint(os.Getenv("JOURNAL_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("JOURNAL_SEED=%d JOURNAL_KILLS=%d", seed, kills)
	random := rand.New(rand.NewPCG(seed, 0))
	m, dir := member(t, nil), t.TempDir()
	client, err := (&etcd.Dialer{Endpoints: []string{m.Client}}).Connect(t.Context())
	must(t, err)
	defer client.Close()
	for kill := 0; kill < kills || !worked(dir); kill++ {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", dir)
		cmd.Env = append(os.Environ(), loadVariable+"="+m.Client, "GOMAXPROCS=2")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		if lines := bufio.NewScanner(out); !lines.Scan() {
			_ = cmd.Wait()
			t.Fatal(said.String())
		}
		time.Sleep(time.Duration(random.IntN(200*(1+kill/max(kills, 1)))) * time.Millisecond) // the moment is what is tested
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
		if said.Len() > 0 {
			t.Fatal(said.String())
		}
		endTerms(t, client)
	}
	s := newService(t, m, "load", time.Minute)
	rt := journaltest.Ready(dir, 0)
	rt.Holds = s.next(t)
	journaltest.Check(t, journaltest.Open(t, rt, journal.Options{Store: s.open(t), MaxCrashes: 1 << 20, Keep: 1 << 20}), effectsIn(dir))
}

// worked reports whether anything was begun.
func worked(dir string) bool {
	got, err := os.Stat(effectsIn(dir))
	return err == nil && got.Size() > 0
}

// endTerms ends the terms of those that were killed, which nobody has to wait for.
func endTerms(t *testing.T, c *clientv3.Client) {
	t.Helper()
	all, err := c.Leases(t.Context())
	must(t, err)
	for _, lease := range all.Leases {
		_, err := c.Revoke(t.Context(), lease.ID)
		must(t, err)
	}
}
