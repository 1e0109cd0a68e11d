package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/recovery"
	"github.com/holdfast-dev/holdfast/singleton"
)

var (
	noon   = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	feedd  = proc.Identity{PID: 70, Start: 7, Boot: "b", Exe: "/usr/sbin/feedd"}
	other  = proc.Identity{PID: 60, Start: 6, Boot: "b", Exe: "/usr/sbin/feedd"}
	killed = &platform.Exit{Code: -1, Signal: "SIGKILL", Reason: "signal"}
)

// A place is a machine on which only the service's own files are real, in directories of the
// test. With its zero answers, nothing runs and nothing is installed.
type place struct {
	t    *testing.T
	cfg  service.Config
	prog service.Program
	m    *manager // nil: none runs the machine
	dir  string
	held map[string]singleton.Holder // by the name of the lock; a zero one cannot be identified
	lock error                       // instead: asking for the lock fails

	did    []string // what reached the machine, in order
	probed []string // names whose holder was searched
	parent int      // of each process
	// signalled is called for each signal.
	signalled func(id proc.Identity, sig os.Signal) error
	mu        sync.Mutex // of did, probed and gone: timers have processes end
	gone      map[int]bool
	accounts  map[string]string // users and groups: their numbers
	now       func() time.Time
	uses      *cli.Resources
	files     [2]uint64 // open, and how many may be
	age       time.Duration
	table     []cli.TableEntry
	untold    error // there is no table
	volume    doctor.Volume
	replaced  bool // the program on disk
	removed   bool // likewise
	full      bool // the runtime directory
	// answers returns the output of a command; nil: no output, and success.
	answers   func(argv []string) (string, error)
	detach    func(argv []string) error
	out, errs bytes.Buffer
}

func newPlace(t *testing.T) *place {
	dir := t.TempDir()
	p := &place{t: t, dir: dir, held: map[string]singleton.Holder{}, gone: map[int]bool{}, now: func() time.Time { return noon }, age: time.Minute}
	p.cfg = service.Config{Name: "feedd", Scope: platform.ScopeUser, RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state")}
	p.m = &manager{p: p, name: "fake", st: platform.Status{Manager: "fake", Installed: true, Phase: platform.PhaseStopped}}
	for _, d := range []string{p.cfg.RuntimeDir, p.cfg.StateDir} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *place) machine() cli.Machine {
	return cli.Machine{
		Manager: func(name string) (platform.Manager, error) {
			if name != "auto" && name != "fake" {
				return nil, fmt.Errorf("manager %q: %w", name, platform.ErrUnsupported)
			}
			if p.m == nil {
				return nil, fmt.Errorf("%w: process 1 is bash", platform.ErrNoManager)
			}
			return p.m.face(), nil
		},
		System:     system{p},
		Scope:      func() platform.Scope { return platform.ScopeUser },
		Privileged: func() bool { return true },
		Manifest: func(id platform.ID) (string, error) {
			return state.ManifestPath(filepath.Join(p.dir, "holdfast"), id.String()), nil
		},
		TrialFile: func(id platform.ID) (string, error) {
			return filepath.Join(p.dir, "trial", id.String()+".trial.json"), nil
		},
		Executes: func(int, string) bool { return false },
		Acquire: func(o singleton.Options) (func() error, error) {
			if h, ok := p.held[o.Name]; ok {
				return nil, &singleton.HeldError{Name: o.Name, Holder: h}
			}
			p.held[o.Name] = singleton.Holder{Identity: other, Origin: o.Origin}
			return func() error { delete(p.held, o.Name); return nil }, nil
		},
		Detach: func(_ context.Context, _ string, _ platform.Scope, _ string, argv []string) error {
			return p.detach(argv)
		},
		Holder: func(o singleton.Options) (singleton.Holder, error) {
			p.mu.Lock()
			p.probed = append(p.probed, o.Name)
			p.mu.Unlock()
			if p.lock != nil {
				return singleton.Holder{}, p.lock
			}
			h, ok := p.held[o.Name]
			if !ok || p.isGone(h.PID) {
				return h, fmt.Errorf("%q: %w", o.Name, singleton.ErrFree)
			}
			return h, nil
		},
		Process: func(pid int) (proc.Identity, error) {
			for _, id := range []proc.Identity{feedd, other} {
				if id.PID == pid && !p.isGone(pid) {
					return id, nil
				}
			}
			return proc.Identity{}, proc.ErrGone
		},
		Alive: func(id proc.Identity) (bool, error) { return !p.isGone(id.PID), nil },
		Signal: func(h singleton.Holder, sig os.Signal) error {
			p.note("signal %d %v", h.PID, sig)
			if p.isGone(h.PID) {
				return os.ErrProcessDone
			}
			if p.signalled == nil {
				p.ends(h.PID)
				return nil
			}
			return p.signalled(h.Identity, sig)
		},
		Wait: func(ctx context.Context, id proc.Identity) error {
			if p.isGone(id.PID) {
				return nil
			}
			<-ctx.Done()
			return context.Cause(ctx)
		},
		Measure:   func(int) *cli.Resources { return p.uses },
		Parent:    func(int) int { return p.parent },
		Memory:    func(int) int64 { return 3 << 20 },
		OpenFiles: func(int) (uint64, uint64, error) { return p.files[0], p.files[1], nil },
		Suspended: func(int) bool { return false },
		Age:       func(proc.Identity) (time.Duration, error) { return p.age, nil },
		Processes: func(context.Context, []string) ([]cli.TableEntry, error) { return p.table, p.untold },
		Self:      func() (proc.Identity, error) { return proc.Identity{PID: 50}, nil },
		Volume: func(string) (doctor.Volume, string, error) {
			return p.volume, "", nil
		},
		Replaced:  func(singleton.Holder, string) bool { return p.replaced },
		Gone:      func(string) bool { return p.removed },
		Full:      func(dir string) bool { return p.full && dir == p.cfg.RuntimeDir },
		Accounts:  p.lookups(),
		Interrupt: context.WithCancel,
		Now:       p.now,
		Monotonic: func() (time.Duration, error) { return 10, nil },
		Program:   "/usr/sbin/feedd", Executable: os.Executable,
	}
}

func (p *place) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did = append(p.did, fmt.Sprintf(format, args...))
}

// ends makes a process end.
func (p *place) ends(pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[pid] = true
}

func (p *place) isGone(pid int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone[pid]
}

// run runs a command line and returns its exit code.
func (p *place) run(args ...string) (int, error) {
	p.t.Helper()
	err := p.runOn(p.t.Context(), p.machine(), args...)
	return cli.ExitCode(err), err
}

func (p *place) runOn(ctx context.Context, m cli.Machine, args ...string) error {
	p.out.Reset()
	p.errs.Reset()
	p.did = nil
	root := cli.CommandOn(m, p.cfg, p.prog)
	root.SetOut(&p.out)
	root.SetErr(&p.errs)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// wants fails the test unless the command ends with that code, prints that text, and does
// exactly those things.
func (p *place) wants(args string, code int, says string, did ...string) {
	p.t.Helper()
	got, err := p.run(strings.Fields(args)...)
	if got != code {
		p.t.Errorf("%s: exit code %d, want %d: %v", args, got, code, err)
	}
	if all := fmt.Sprint(err, "\n", p.out.String(), p.errs.String()); !strings.Contains(filepath.ToSlash(all), filepath.ToSlash(says)) {
		p.t.Errorf("%s: does not say %q:\n%s", args, says, all)
	}
	if !slices.Equal(p.did, did) {
		p.t.Errorf("%s: did %q, want %q", args, p.did, did)
	}
}

// runs makes id hold the name.
func (p *place) runs(id proc.Identity, origin string) {
	p.held["feedd"] = singleton.Holder{Identity: id, UID: os.Geteuid(), Since: noon.Add(-time.Minute), Origin: origin}
}

// writes makes the process write its state file.
func (p *place) writes(id proc.Identity, phase platform.Phase, change func(*state.State)) {
	p.t.Helper()
	s := state.State{Name: "feedd", Process: id, Phase: phase, PhaseSince: noon.Add(-50 * time.Second), StartedAt: noon.Add(-time.Minute)}
	if change != nil {
		change(&s)
	}
	if err := state.Write(state.Path(p.cfg.RuntimeDir, "feedd"), s); err != nil {
		p.t.Fatal(err)
	}
}

// ended writes the record of a last run.
func (p *place) ended(exit *platform.Exit) {
	p.t.Helper()
	last := recovery.LastRun{Process: other, Started: noon.Add(-time.Hour), Exit: exit}
	if exit != nil {
		last.Ended = noon.Add(-time.Minute)
	}
	p.put(p.cfg.StateDir+"/feedd.lastrun.json", last)
}

func (p *place) put(path string, content any) {
	p.t.Helper()
	b, err := json.Marshal(content)
	if text, plain := content.(string); plain {
		b = []byte(text)
	}
	if err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// A manager is a platform.Manager that records what it is asked to do.
type manager struct {
	queries atomic.Int64 // of where a service stands

	p      *place
	name   string
	st     platform.Status
	fails  error                // what it does
	acts   error                // what it does with the running service, where its plans succeed
	broken error                // its Status
	other  *platform.Definition // of that name in the other scope

	instances map[string]platform.Status // those that there are
	others    map[string]platform.Status // those of the other scope, by instance; nil: see other
	none      bool                       // of its plans: nothing is there to be removed

	inventory bool
	on        func(verb string) // what else happens
	refuses   func(platform.Unit) error
	unit      platform.Unit // the last one that was planned
	steps     []platform.Step
	removal   []platform.Step // nil: one command
	file      string          // that Plan writes, where it is not steps
	logs      []string        // the command that shows them; nil: one that says how many were asked for
}

// face returns m, with Inventory if m has it.
func (m *manager) face() platform.Manager {
	if m.inventory {
		return inventory{m}
	}
	return m
}

type inventory struct{ *manager }

func (i inventory) Inventory(context.Context, platform.ID) (platform.Status, error) {
	return platform.Status{Manager: i.name, Installed: i.st.Installed, Enabled: i.st.Enabled, Definition: i.st.Definition}, i.broken
}

// Status of such a manager would run the program, which would ask the manager again.
func (i inventory) Status(context.Context, platform.ID) (platform.Status, error) {
	i.p.note("status")
	return i.st, nil
}

func (m *manager) Name() string { return m.name }

func (m *manager) Plan(_ context.Context, u platform.Unit) ([]platform.Step, error) {
	m.unit = u
	if m.refuses != nil {
		if err := m.refuses(u); err != nil {
			return nil, err
		}
	}
	if m.file != "" {
		text := fmt.Sprintf("Exec=%s\nUser=%s\nNoFile=%d\n", strings.Join(u.Exec, " "), u.User, u.Limits.NoFile)
		return []platform.Step{{Kind: platform.StepWriteFile, Describe: "the definition", Path: m.file, Mode: 0o644, Content: []byte(text)}}, m.fails
	}
	if m.steps == nil {
		return []platform.Step{{Kind: platform.StepRun, Describe: "install it", Argv: append([]string{"install"}, u.Exec...)}}, m.fails
	}
	return m.steps, m.fails
}

func (m *manager) Removal(context.Context, platform.ID) ([]platform.Step, error) {
	if m.none {
		return nil, m.fails
	}
	if m.removal != nil {
		return m.removal, m.fails
	}
	return []platform.Step{{Kind: platform.StepRun, Describe: "remove it", Argv: []string{"remove"}}}, m.fails
}

func (m *manager) act(ctx context.Context, verb string) error {
	m.p.note("%s", verb)
	if m.on != nil {
		m.on(verb)
	}
	if err := errors.Join(m.fails, m.acts); !errors.Is(err, errHangs) {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// errHangs makes a manager wait for ever.
var errHangs = errors.New("hangs")

func (m *manager) Start(ctx context.Context, _ platform.ID) error   { return m.act(ctx, "start") }
func (m *manager) Stop(ctx context.Context, _ platform.ID) error    { return m.act(ctx, "stop") }
func (m *manager) Restart(ctx context.Context, _ platform.ID) error { return m.act(ctx, "restart") }
func (m *manager) Reload(ctx context.Context, _ platform.ID) error  { return m.act(ctx, "reload") }

func (m *manager) Status(ctx context.Context, id platform.ID) (platform.Status, error) {
	m.queries.Add(1)
	if errors.Is(m.broken, errHangs) {
		<-ctx.Done()
		return platform.Status{Manager: m.name, Phase: platform.PhaseUnknown}, context.Cause(ctx)
	}
	if st, ok := m.others[id.Instance]; ok && id.Scope != m.p.cfg.Scope {
		return st, m.broken
	}
	if id.Scope != m.p.cfg.Scope {
		return platform.Status{Manager: m.name, Phase: platform.PhaseStopped, Definition: m.other}, m.broken
	}
	if id.Instance != "" {
		st, ok := m.instances[id.Instance]
		if ok {
			return st, m.broken
		}
		if m.instances != nil {
			return platform.Status{Manager: m.name, Phase: platform.PhaseStopped}, m.broken
		}
	}
	return m.st, m.broken
}

func (m *manager) Logs(_ platform.ID, n int, follow bool) []string {
	if follow || n == 0 {
		return nil
	}
	if m.logs != nil {
		return m.logs
	}
	argv := []string{"echo", fmt.Sprint(n), "lines"}
	if runtime.GOOS == "windows" { // there, it is no program
		argv = append([]string{"cmd", "/c"}, argv...)
	}
	return argv
}

// system records commands and removals.
type system struct{ p *place }

var _ platform.System = system{}

func (s system) ReadFile(path string) ([]byte, error)  { return native.System{}.ReadFile(path) }
func (s system) Stat(path string) (os.FileInfo, error) { return native.System{}.Stat(path) }
func (s system) Remove(path string) error              { return native.System{}.Remove(path) }
func (s system) WriteFile(path string, content []byte, mode os.FileMode) error {
	return native.System{}.WriteFile(path, content, mode)
}

func (s system) MakeDir(path string, mode os.FileMode) error {
	return native.System{}.MakeDir(path, mode)
}

func (s system) RemoveAll(path string) error {
	s.p.note("remove all of %s", filepath.ToSlash(strings.TrimPrefix(path, s.p.dir)))
	return os.RemoveAll(path)
}

// Run does nothing. The command "hang" hangs until it is interrupted.
func (s system) Run(ctx context.Context, argv ...string) (string, error) {
	s.p.note("%s", argv[0])
	if argv[0] == "hang" {
		<-ctx.Done()
		return "", context.Cause(ctx)
	}
	if s.p.answers != nil {
		return s.p.answers(argv)
	}
	return "", nil
}

// json returns what a command has printed as JSON.
func (p *place) json() (all map[string]any) {
	p.t.Helper()
	if err := json.Unmarshal(p.out.Bytes(), &all); err != nil {
		p.t.Fatalf("%v in %s", err, p.out.String())
	}
	return all
}
