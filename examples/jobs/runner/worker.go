package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
	"github.com/holdfast-dev/holdfast/singleton"
)

// workerCommand carries out runs for a primary until it is asked to stop.
func workerCommand(find cli.Find) *cobra.Command {
	var join, name, tokenFile, caFile string
	var slots int
	cmd := &cobra.Command{
		Use: "worker", Short: "Run jobs for a primary", Args: cobra.NoArgs,
		Long: "Run jobs for the primary at --join until SIGTERM or ctrl-C. A run belongs to the worker while it renews its lease. " +
			"The runs of a worker end with it, also when it is killed. After a restart it reports them. " +
			"If the primary may be on several machines, name all of them at --join, with commas between them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !jobName.MatchString(name) {
				return cli.Usage(fmt.Errorf("--worker-name %q: letters, digits, '.', '_' and '-'", name))
			}
			if join == "" || slots < 1 {
				return cli.Usage(errors.New("--join needs the HOST:PORT of the primary, and --slots at least 1"))
			}
			found, err := find(cmd)
			if err != nil {
				return err
			}
			token, err := readToken(tokenFile)
			if err != nil {
				return err
			}
			primary, err := newClient(join, token, caFile)
			if err != nil {
				return cli.Usage(fmt.Errorf("--join: %w", err))
			}
			dir := found.StatePath(".worker-" + name)
			if err := files.MakeDir(dir, 0o700); err != nil {
				return err
			}
			lock, err := singleton.Acquire(singleton.Options{Name: "worker", Dir: dir, StateDir: dir})
			if err != nil {
				return fmt.Errorf("worker %q: %w", name, err)
			}
			defer func() { _ = lock.Release() }()
			w := &worker{
				name: name, slots: slots, client: primary, tokenFile: tokenFile, folder: folder(filepath.Join(dir, "runs")),
				log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)).With("worker", name),
			}
			return w.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&join, "join", "", "`HOST:PORT` of the primary, or https://HOST:PORT")
	cmd.Flags().StringVar(&name, "worker-name", "", "`NAME` of this worker, the same when it is started again")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`FILE` with the primary's token")
	cmd.Flags().StringVar(&caFile, "ca-file", "", "`FILE` with the authorities that sign the primary's certificate")
	cmd.Flags().IntVar(&slots, "slots", 1, "make `N` runs at the same time")
	return cmd
}

// A worker carries out runs that it gets from a primary. A run belongs to it while it renews
// the lease.
type worker struct {
	name      string
	slots     int
	client    client
	tokenFile string
	folder    folder
	log       *slog.Logger
	runs      sync.WaitGroup
}

// heldFile is the file that records a run of a worker and its keeper.
const heldFile = "held.json"

type held struct {
	Assignment assignment    `json:"assignment"`
	Keeper     proc.Identity `json:"keeper"`
}

var errWorkerStopped = errors.New("its worker was stopped")

func (w *worker) run(ctx context.Context) error {
	w.leftovers(ctx)
	free := make(chan struct{}, w.slots)
	for range w.slots {
		free <- struct{}{}
	}
	w.log.Info("ready", "primary", strings.Join(w.client.addresses, ","))
	for {
		select {
		case <-free:
		case <-ctx.Done():
			w.runs.Wait()
			w.leave()
			return nil
		}
		a, ok := w.next(ctx)
		if !ok {
			free <- struct{}{}
			continue
		}
		w.runs.Go(func() {
			w.perform(ctx, a)
			free <- struct{}{}
		})
	}
}

// leave tells the primary that this worker stops.
func (w *worker) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = w.client.call(ctx, http.MethodDelete, "/v1/workers/"+w.name, nil, nil, nil)
}

// next asks for a run until there is one or ctx ends.
func (w *worker) next(ctx context.Context) (a assignment, ok bool) {
	poll := pollFor
	if w.client.many() { // one that is paused must not keep the worker from the next primary
		poll = shortPoll
	}
	path := fmt.Sprintf("/v1/workers/%s/next?for=%v", w.name, poll)
	for told := false; ctx.Err() == nil; {
		asked, cancel := context.WithTimeout(ctx, 2*poll)
		_, err := w.client.call(asked, http.MethodPost, path, nil, nil, &a)
		cancel()
		switch {
		case err == nil && a.ID != 0:
			return a, true
		case err != nil && ctx.Err() == nil:
			if !told {
				w.log.Warn("the primary does not answer: trying again", "error", err)
			}
			told = true
			pause(ctx, time.Second/2)
		}
	}
	return a, false
}

// perform carries out a run with its retries.
func (w *worker) perform(ctx context.Context, a assignment) {
	for {
		end, ours := w.attempt(ctx, a)
		if !ours {
			w.forget(a.ID)
			return
		}
		again, ok := w.report(ctx, a, report{ending: end})
		if again == nil {
			if ok {
				w.forget(a.ID)
			}
			return
		}
		if a = again.Again; !w.rest(ctx, a, again.Wait) {
			return
		}
	}
}

// attempt runs a command once, and renews the lease meanwhile. ours is false if the run
// belongs to somebody else by now.
func (w *worker) attempt(ctx context.Context, a assignment) (end ending, ours bool) {
	until, err := w.renewOnce(ctx, a) // the machine may have slept since the assignment
	if err != nil {
		return end, false
	}
	s, err := w.begin(a, until)
	if err != nil { // not the job's fault
		pause(ctx, time.Second)
		return ending{State: journal.Interrupted, Reason: err.Error()}, true
	}
	w.log.Info("run begins", "run", a.ID, "job", a.Job, "attempt", a.Attempt)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		w.renew(ctx, cancel, a, func(until time.Duration) { _ = s.tell(until) })
	}()
	end = s.wait(ctx)
	if end.Asked && !errors.Is(context.Cause(ctx), errGone) {
		end.Reason = errWorkerStopped.Error()
	}
	ours = !errors.Is(context.Cause(ctx), errGone)
	cancel(nil)
	<-renewed
	return end, ours
}

// begin records that this worker has the run, and starts the command of a with the end of its
// lease.
func (w *worker) begin(a assignment, until time.Duration) (*started, error) {
	a.TokenFile = w.tokenFile // the worker's own file: it may run on another machine some day
	s, err := w.folder.start(a)
	if err != nil {
		return nil, err
	}
	err = files.ReplaceJSON(filepath.Join(w.folder.of(a.ID), heldFile), held{a, s.id}, 0o600, true)
	if err == nil {
		err = s.run()
	}
	if err == nil {
		err = s.tell(until)
	}
	if err != nil {
		s.drop()
	}
	return s, err
}

// renew renews the lease of a until ctx ends, and calls tell with its end. If the lease is
// lost, it calls lost.
func (w *worker) renew(ctx context.Context, lost context.CancelCauseFunc, a assignment, tell func(until time.Duration)) {
	usual, soon := a.Lease/5, a.Lease/20
	tick := time.NewTicker(usual)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		until, err := w.renewOnce(ctx, a)
		switch {
		case err == nil:
			tell(until)
			tick.Reset(usual)
		case errors.Is(err, errGone):
			w.log.Warn("the run now belongs to another process", "run", a.ID, "error", err)
			lost(errGone)
			return
		case ctx.Err() == nil:
			w.log.Warn("the lease cannot be renewed", "run", a.ID, "error", err)
			tick.Reset(soon) // another primary may have begun
		}
	}
}

// renewOnce returns the end of the lease, by proc.Boottime. It deducts a part of the lease,
// because the run must have ended before it may begin elsewhere.
func (w *worker) renewOnce(ctx context.Context, a assignment) (until time.Duration, err error) {
	at, err := proc.Boottime() // before the request, because the primary's lease begins later
	if err != nil {
		return 0, err
	}
	all := len(w.client.addresses)
	limit := a.Lease / 2 / time.Duration(all)
	if w.client.many() {
		limit = min(limit, shortPoll)
	}
	for range all { // the primary may be at the next one
		var code int
		if code, err = w.try(ctx, limit, w.path(a.ID, "renew"), nil, nil); code != 0 && code != http.StatusServiceUnavailable {
			break
		}
	}
	return at + a.Lease*3/4, err
}

// try sends a request about a run, and waits no longer than limit for its answer.
func (w *worker) try(ctx context.Context, limit time.Duration, path string, body, out any) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return w.client.call(ctx, http.MethodPost, path, nil, body, out)
}

// rest waits for the next attempt, and renews the lease meanwhile. It returns false if there
// is no next attempt.
func (w *worker) rest(ctx context.Context, a assignment, wait time.Duration) bool {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.runs.Go(func() { w.renew(ctx, cancel, a, func(time.Duration) {}) })
	pause(ctx, wait)
	switch {
	case errors.Is(context.Cause(ctx), errGone):
		w.forget(a.ID)
		return false
	case ctx.Err() != nil:
		end := ending{State: journal.Interrupted, Reason: errWorkerStopped.Error(), Asked: true}
		if _, ok := w.report(ctx, a, report{ending: end}); ok {
			w.forget(a.ID)
		}
		return false
	}
	return true
}

// report tells the primary how an attempt ended. It repeats that if necessary, because the
// primary may be down. ok is false if the worker has to stop, or the primary stays away; the
// next start then reports the run as a leftover.
func (w *worker) report(stop context.Context, a assignment, r report) (again *retry, ok bool) {
	limit := 4 * a.Lease
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), limit)
	defer cancel()
	if w.client.many() {
		limit = min(a.Lease/2, shortPoll)
	}
	r.Attempt = a.Attempt
	for {
		if b, err := os.ReadFile(w.folder.output(a.ID)); err == nil {
			_, _ = w.try(ctx, limit, w.path(a.ID, "output"), b[:min(len(b), maxOutput)], nil)
		}
		var got retry
		code, err := w.try(ctx, limit, w.path(a.ID, "report"), r, &got)
		switch {
		case err == nil && code == http.StatusOK:
			return &got, true
		case err == nil:
			w.log.Info("run ended", "run", a.ID, "state", r.State, "reason", r.Reason)
			return nil, true
		case errors.Is(err, errGone):
			w.log.Info("the outcome of a run no longer counts", "run", a.ID, "state", r.State, "because", err)
			return nil, true
		case ctx.Err() != nil || stop.Err() != nil:
			return nil, false
		}
		pause(ctx, time.Second/2)
	}
}

func (w *worker) path(id uint64, what string) string {
	return fmt.Sprintf("/v1/workers/%s/runs/%d/%s", w.name, id, what)
}

func (w *worker) forget(id uint64) { _ = files.RemoveTree(w.folder.of(id)) }

// leftovers reports the runs that an earlier process of this worker has left. They ended with
// that process, or before it by themselves.
func (w *worker) leftovers(ctx context.Context) {
	all, _ := os.ReadDir(string(w.folder))
	for _, x := range all {
		id, err := strconv.ParseUint(x.Name(), 10, 64)
		var h held
		if err != nil || !readJSON(filepath.Join(w.folder.of(id), heldFile), &h) {
			continue
		}
		_ = h.Keeper.Wait(ctx) // it ends its command when the worker is gone
		end, ok := w.folder.ending(id, h.Assignment.Attempt)
		if !ok {
			endLeftover(w.folder.of(id))
			end = ending{State: journal.Interrupted, Reason: "its worker was interrupted, and found it again"}
		}
		if end.State == journal.Interrupted {
			end.Asked, end.Reason = false, "its worker was interrupted, and found it again"
		}
		w.log.Warn("a run was left over when the worker was interrupted", "run", id, "job", h.Assignment.Job, "state", end.State)
		again, ok := w.report(ctx, h.Assignment, report{ending: end, Leftover: true})
		switch {
		case again != nil:
			w.runs.Go(func() {
				if w.rest(ctx, again.Again, again.Wait) {
					w.perform(ctx, again.Again)
				}
			})
		case ok:
			w.forget(id)
		}
	}
}
