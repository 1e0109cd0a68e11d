package main

import (
	"context"
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
	runsSuffix      = ".runs"      // a directory for each run
	timetableSuffix = ".timetable" // up to which time jobs were submitted
	addressSuffix   = ".address"   // address of the API
)

// program is the job runner as a service.
type program struct {
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
	j, err := journal.Open(rt, p.primary.options())
	if err != nil {
		return err
	}
	if j.Refused() == nil {
		err = p.primary.open(j)
	} else {
		p.primary.journal = j // all requests return its error
		rt.Status("no job is run: " + j.Refused().Error())
	}
	if err != nil {
		return err
	}
	return p.serve(ctx, cfg, token)
}

func (p *program) serve(ctx context.Context, cfg config, token string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen.String())
	if err != nil {
		return fmt.Errorf("jobs.listen: %w", err)
	}
	address := listener.Addr().String()
	if err := files.Replace(p.rt.StatePath(addressSuffix), []byte(address), 0o644, false); err != nil {
		return errors.Join(err, listener.Close())
	}
	if token == "" {
		p.rt.Slog().Warn("every user of this machine can have jobs run and can be a worker: token_file says who may")
	}
	p.primary.api = "http://" + address
	p.server = &http.Server{
		Handler: p.primary.handler(token), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(p.rt.Slog().Handler(), slog.LevelWarn),
	}
	p.rt.Slog().Info("listening", "address", address, "jobs", len(cfg.Jobs))
	times := newTimetable(p.rt.StatePath(timetableSuffix), p.primary)
	p.rt.Go("api", func(context.Context) error {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
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
	if fresh.Listen != old.Listen || fresh.TokenFile != old.TokenFile || fresh.MaxRunning != old.MaxRunning ||
		fresh.MaxCrashes != old.MaxCrashes || fresh.Keep != old.Keep {
		p.rt.Slog().Warn("listen, token_file, max_running, max_crashes and keep take effect at the next start")
		fresh.Listen, fresh.TokenFile, fresh.MaxRunning, fresh.MaxCrashes, fresh.Keep = old.Listen, old.TokenFile, old.MaxRunning, old.MaxCrashes, old.Keep
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
		err = fmt.Errorf("jobs are left running, and found by the next start: %w", context.Cause(ctx))
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

// Commands returns `work`, `trigger` and `worker`.
func (*program) Commands(find cli.Find) []*cobra.Command {
	return []*cobra.Command{work.Command(find), triggerCommand(find), workerCommand(find)}
}
