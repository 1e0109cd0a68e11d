// Package runner is the program of examples/jobs, which runs it on one machine. The example
// jobs of singleton/etcd runs it on several.
package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/cli/work"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// Files in the state directory, as suffixes of the service's name.
const (
	runsSuffix    = ".runs"    // a directory for each run
	addressSuffix = ".address" // address of the API
)

// timetableRecord says up to which time jobs were submitted.
const timetableRecord = "timetable"

// mostShared limits the size of a journal that machines share.
const mostShared = 64 << 20

// Description describes the job runner as a service.
func Description(version string) service.Config {
	return service.Config{
		Name:        "jobs",
		DisplayName: "Job runner",
		Description: "Runs commands by a timetable, by hand and by an HTTP API",
		Version:     version,
	}
}

// Main is the whole program, and returns its exit code. shared is a place that machines share,
// or nil.
func Main(cfg service.Config, shared Place) int {
	if len(os.Args) == 3 && os.Args[1] == keeperCommand {
		return keep(os.Args[2], os.Stdin)
	}
	return cli.Main(cfg, &program{shared: shared})
}

// program is the job runner as a service.
type program struct {
	shared  Place // nil: all is on this machine
	rt      *service.Runtime
	primary *primary
	server  *http.Server
}

// Start begins to serve. The journal returns the work that an earlier run has left once the
// service is ready.
func (p *program) Start(ctx context.Context, rt *service.Runtime) (err error) {
	cfg, err := readConfig(rt.DecodeTable)
	if err != nil {
		return err
	}
	token, err := readToken(cfg.TokenFile)
	if err != nil {
		return err
	}
	p.rt, p.primary = rt, newPrimary(rt.Slog(), folder(rt.StatePath(runsSuffix)), cfg)
	p.primary.apart = p.shared != nil
	o := p.primary.options()
	if o.Store, err = p.place().Store(ctx, rt); err != nil {
		return err
	}
	j, err := journal.Open(rt, o)
	if err != nil {
		return err
	}
	switch {
	case j.Refused() == nil:
		err = p.primary.open(j)
	case p.shared != nil: // another machine may be able to use it
		err = j.Refused()
	default:
		p.primary.journal = j // all requests return its error
		rt.Status("no job is run: " + j.Refused().Error())
	}
	if err != nil {
		return err
	}
	return p.serve(ctx, cfg, token)
}

func (p *program) place() Place {
	if p.shared != nil {
		return p.shared
	}
	return machine{}
}

func (p *program) serve(ctx context.Context, cfg config, token string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen.String())
	if err != nil {
		return fmt.Errorf("jobs.listen: %w", err)
	}
	address, secret, err := cfg.secure(listener.Addr().String())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := files.Replace(p.rt.StatePath(addressSuffix), []byte(address), 0o644, false); err != nil {
		return errors.Join(err, listener.Close())
	}
	if token == "" {
		p.rt.Slog().Warn("every user of this machine can run jobs and be a worker: set token_file to restrict that")
	}
	p.primary.api = urlOf(address)
	p.server = &http.Server{
		Handler: p.primary.handler(token, cfg.Listen.Addr().IsLoopback()), TLSConfig: secret, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(p.rt.Slog().Handler(), slog.LevelWarn),
	}
	p.rt.Slog().Info("listening", "address", address, "jobs", len(cfg.Jobs))
	times, err := p.timetable(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	p.rt.Go("api", func(context.Context) error {
		serve := p.server.Serve
		if secret != nil {
			serve = func(l net.Listener) error { return p.server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	p.rt.Go("dispatch", p.primary.dispatch)
	if p.primary.journal.Refused() == nil {
		p.rt.Go("timetable", times.run)
		p.rt.Go("tidy", p.tidy)
	}
	return nil
}

// timetable returns the timetable, which continues where the last one ended.
func (p *program) timetable(ctx context.Context) (*timetable, error) {
	t := newTimetable(p.primary)
	record, err := p.place().Read(ctx, p.rt, timetableRecord)
	if err != nil {
		return nil, fmt.Errorf("the record of the timetable: %w", err)
	}
	if len(record) > 0 && files.DecodeJSON(record, &t.seen) != nil || t.seen == nil { // null is JSON, too
		t.seen = map[string]seenTo{}
	}
	t.save = func(ctx context.Context) error {
		record, err := json.Marshal(t.seen)
		if err != nil {
			return err
		}
		return p.place().Write(ctx, p.rt, timetableRecord, record)
	}
	return t, nil
}

// tidy removes the output of runs that the journal has forgotten, and checks whether runs have
// ended elsewhere for which others wait.
func (p *program) tidy(ctx context.Context) error {
	look, sweep := time.NewTicker(time.Second), time.NewTicker(time.Hour)
	defer look.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-look.C:
			p.primary.refreshAll()
		case <-sweep.C:
			err := p.primary.folder.sweep(func(id uint64) bool {
				_, err := p.primary.journal.Show(id)
				return !errors.Is(err, journal.ErrNone)
			})
			for _, job := range p.primary.register.jobs() {
				p.primary.busy(job)
			}
			if err != nil {
				p.rt.Slog().Warn("old output is not removed", "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Reload takes the new timetable and lease.
func (p *program) Reload(context.Context) error {
	fresh, err := readConfig(p.rt.DecodeTable)
	if err != nil {
		return err
	}
	old := p.primary.config()
	if fresh.Listen != old.Listen || fresh.files() != old.files() || fresh.MaxRunning != old.MaxRunning ||
		fresh.MaxCrashes != old.MaxCrashes || fresh.Keep != old.Keep {
		p.rt.Slog().Warn("listen, the files, max_running, max_crashes and keep take effect at the next start")
		fresh.Listen, fresh.MaxRunning, fresh.MaxCrashes, fresh.Keep = old.Listen, old.MaxRunning, old.MaxCrashes, old.Keep
		fresh.TokenFile, fresh.CertFile, fresh.KeyFile, fresh.CAFile = old.TokenFile, old.CertFile, old.KeyFile, old.CAFile
	}
	p.primary.cfg.Store(&fresh)
	p.primary.refreshAll()
	return nil
}

// Stop interrupts the runs in this process, which run again after the next start if they have
// rerun_if_interrupted. The runs of workers continue.
func (p *program) Stop(ctx context.Context) error {
	p.primary.stopDispatch()
	select {
	case <-p.primary.dispatchEnded:
	case <-ctx.Done():
	}
	p.primary.stop(errStopped)
	ended := make(chan struct{})
	go func() {
		p.primary.runs.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = fmt.Errorf("jobs continue to run, and the next start finds them: %w", context.Cause(ctx))
	}
	shut, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if p.server.Shutdown(shut) != nil {
		err = errors.Join(err, p.server.Close())
	}
	_ = files.Remove(p.rt.StatePath(addressSuffix))
	return err
}

// Check finds mistakes before the service is touched.
func (*program) Check(_ context.Context, cfg service.Config) error {
	c, err := readConfig(cfg.DecodeTable)
	if err == nil && c.TokenFile != "" {
		if _, e := readToken(c.TokenFile); e != nil && !errors.Is(e, os.ErrPermission) {
			err = cfg.ErrorAt("jobs.token_file", e)
		}
	}
	return err
}

// Commands returns `trigger`, `worker` and, unless machines share the journal, `work`, which
// reads the file of a journal.
func (p *program) Commands(find cli.Find) []*cobra.Command {
	all := []*cobra.Command{triggerCommand(find), workerCommand(find)}
	if p.shared == nil {
		all = append(all, work.Command(find))
	}
	return all
}
