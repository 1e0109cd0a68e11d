package main

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestMain(m *testing.M) {
	if os.Getenv("LEDGER_TEST_FILE") != "" {
		os.Args = []string{"ledger", os.Getenv("LEDGER_TEST_FILE")}
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A primary plays the part of `jobs` that a job sees: it keeps the checkpoint.
type primary struct {
	saved atomic.Value
	code  atomic.Int32
}

func (p *primary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	code := int(p.code.Load())
	if code == http.StatusNoContent {
		p.saved.Store(string(b))
	}
	w.WriteHeader(code)
}

func newPrimary(t *testing.T) (*primary, string) {
	t.Helper()
	p := &primary{}
	p.saved.Store("")
	p.code.Store(http.StatusNoContent)
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return p, s.URL
}

func total(t *testing.T, path string) (n int64) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		n = int64(binary.BigEndian.Uint64(tx.Bucket([]byte("totals")).Get([]byte("total"))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The job is killed at random and run again like by jobs, with a checkpoint that may be
// outdated. Each amount is booked once.
func TestEachAmountIsBookedOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p, url := newPrimary(t)
	path := filepath.Join(t.TempDir(), "ledger.db")
	var amounts []int64
	var want int64
	for i := range int64(60) {
		amounts, want = append(amounts, i), want+i
	}
	params, err := json.Marshal(map[string]any{"amounts": amounts, "pause": "1ms"})
	if err != nil {
		t.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		cmd := exec.Command(os.Args[0])
		saved := p.saved.Load().(string)
		if attempt%3 == 0 {
			saved = "" // the checkpoint was lost
		}
		cmd.Env = append(os.Environ(), "LEDGER_TEST_FILE="+path, "JOBS_API="+url, "JOBS_RUN_ID="+strconv.Itoa(attempt),
			"JOBS_IDEMPOTENCY_KEY=k", "JOBS_PARAMS="+string(params), "JOBS_CHECKPOINT="+saved)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(5+random.IntN(60*attempt))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		alone := kill.Stop()
		if err == nil {
			t.Logf("%d attempts", attempt)
			break
		}
		if alone {
			t.Fatalf("it ended by itself: %v", err)
		}
	}
	if got := total(t, path); got != want {
		t.Errorf("the total is %d, want %d", got, want)
	}
}

func TestARunThatIsAnothersEnds(t *testing.T) {
	p, url := newPrimary(t)
	p.code.Store(http.StatusConflict)
	path := filepath.Join(t.TempDir(), "ledger.db")
	err := run([]string{path}, func(name string) string {
		return map[string]string{"JOBS_API": url, "JOBS_IDEMPOTENCY_KEY": "k", "JOBS_PARAMS": `{"amounts": [1, 2]}`}[name]
	})
	if err == nil || !strings.Contains(err.Error(), "belongs to another process") || total(t, path) != 1 {
		t.Errorf("%v, total %d", err, total(t, path))
	}
}
