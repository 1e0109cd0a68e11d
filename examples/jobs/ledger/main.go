// Command ledger is a job whose effects happen exactly once, however often it is interrupted
// and run again. It books the amounts in its parameters:
//
//	[[jobs.job]]
//	name = "book"
//	command = ["ledger", "/var/lib/jobs/ledger.db"]
//	rerun_if_interrupted = true
//
//	jobs trigger book --params '{"amounts": [5, 7, 30]}'
//
// The idempotency key of the run, which is the same in each rerun, is written in the same
// transaction as the amount. That alone guarantees exactly once. The checkpoint only saves
// work: a rerun begins after it, and it need not be exact.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

func main() {
	if err := run(os.Args[1:], os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, env func(string) string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: ledger FILE")
	}
	var params struct {
		Amounts []int64 `json:"amounts"`
		Pause   string  `json:"pause"` // after each amount, to rehearse a crash
	}
	if err := json.Unmarshal([]byte(env("JOBS_PARAMS")), &params); err != nil {
		return fmt.Errorf("parameters: %w", err)
	}
	pause, _ := time.ParseDuration(params.Pause)
	key := env("JOBS_IDEMPOTENCY_KEY")
	if key == "" {
		return fmt.Errorf("JOBS_IDEMPOTENCY_KEY is missing: this is a job of `jobs`")
	}
	db, err := bbolt.Open(args[0], 0o600, &bbolt.Options{Timeout: time.Minute})
	if err != nil {
		return err
	}
	defer db.Close()
	done, _ := strconv.Atoi(env("JOBS_CHECKPOINT"))
	fmt.Printf("beginning at %d of %d\n", done, len(params.Amounts))
	for i := done; i < len(params.Amounts); i++ {
		if err := book(db, fmt.Sprintf("%s/%d", key, i), params.Amounts[i]); err != nil {
			return err
		}
		if err := save(env, i+1); err != nil {
			return err
		}
		time.Sleep(pause)
	}
	return nil
}

// book adds an amount, once for each key. Both are in one transaction, so no crash can
// separate them.
func book(db *bbolt.DB, key string, amount int64) error {
	return db.Update(func(tx *bbolt.Tx) error {
		keys, err := tx.CreateBucketIfNotExists([]byte("keys"))
		if err != nil {
			return err
		}
		if keys.Get([]byte(key)) != nil {
			fmt.Println("booked already:", key)
			return nil
		}
		if err := keys.Put([]byte(key), []byte("booked")); err != nil {
			return err
		}
		totals, err := tx.CreateBucketIfNotExists([]byte("totals"))
		if err != nil {
			return err
		}
		var total int64
		if b := totals.Get([]byte("total")); len(b) == 8 {
			total = int64(binary.BigEndian.Uint64(b))
		}
		return totals.Put([]byte("total"), binary.BigEndian.AppendUint64(nil, uint64(total+amount)))
	})
}

// save makes the next attempt, if there is one, begin after what is done. If the primary is
// down, only some work is repeated. If it says that the run belongs to somebody else (409),
// the job ends.
func save(env func(string) string, done int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	url := env("JOBS_API") + "/v1/runs/" + env("JOBS_RUN_ID") + "/checkpoint"
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, url, strings.NewReader(strconv.Itoa(done)))
	if err != nil {
		return err
	}
	if file := env("JOBS_TOKEN_FILE"); file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println("no checkpoint:", err)
		return nil
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusConflict {
		return fmt.Errorf("the run now belongs to another process: %s", answer.Status)
	}
	return nil
}
