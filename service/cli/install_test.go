package cli_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

func TestInstall(t *testing.T) {
	for name, tt := range map[string]struct {
		so   []func(*place)
		args string
		code int
		says string
		did  []string
	}{
		"install":                  {nil, "install --program /usr/sbin/feedd", 0, "feedd is installed (fake).", []string{"install"}},
		"install and start":        {nil, "install --program /usr/sbin/feedd --start", 0, "feedd is installed (fake).", []string{"install", "start"}},
		"dry run":                  {nil, "install --program /usr/sbin/feedd --dry-run", 0, "$ install /usr/sbin/feedd run", nil},
		"plan":                     {nil, "plan --program /usr/sbin/feedd", 0, "2 steps for fake", nil},
		"plan of a bad file":       {[]func(*place){badFile}, "plan --program /usr/sbin/feedd", 78, "colour_of_it", nil},
		"a relative program":       {nil, "plan --program feedd", 2, "--program \"feedd\" is not an absolute path", nil},
		"a program of Windows'":    {nil, `plan --program C:\feedd.exe`, 0, `C:\feedd.exe run`, nil},
		"without a manager":        {[]func(*place){unmanaged}, "install --program /usr/sbin/feedd", 1, onlyByHand, nil},
		"what cannot be installed": {[]func(*place){func(p *place) { p.m.fails = platform.ErrBadUnit }}, "install --program /usr/sbin/feedd", 78, "", nil},
		"of the system, by a user": {nil, "install --program /usr/sbin/feedd --scope system", 77, "become root", nil},
		"a step that may fail": {[]func(*place){func(p *place) {
			p.m.steps = []platform.Step{{Kind: "unheard of", Describe: "nice to have", MayFail: true}}
		}}, "install --program /usr/sbin/feedd", 0, "- nice to have", nil},
		"a step that fails": {
			[]func(*place){func(p *place) { p.m.steps = []platform.Step{{Kind: "unheard of", Describe: "needed"}} }},
			"install --program /usr/sbin/feedd", 1, `install "feedd": needed: `, nil,
		},

		"uninstall":                            {nil, "uninstall", 0, "feedd is uninstalled (fake).", []string{"remove"}},
		"uninstall of a bad file":              {[]func(*place){badFile}, "uninstall", 0, "feedd is uninstalled", []string{"remove"}},
		"uninstall what the manager runs":      {[]func(*place){running}, "uninstall", 0, "", []string{"remove"}},
		"uninstall beside one by hand":         {[]func(*place){byHand}, "uninstall", 75, "stop it first", nil},
		"uninstall beside one not known":       {[]func(*place){unnamed}, "uninstall", 75, "cannot be identified", nil},
		"rollback without a manager":           {[]func(*place){unmanaged}, "rollback", 1, onlyByHand, nil},
		"uninstall without a manager":          {[]func(*place){unmanaged}, "uninstall", 1, onlyByHand, nil},
		"uninstall that cannot be":             {[]func(*place){func(p *place) { p.m.fails = errors.New("no bus") }}, "uninstall", 1, "no bus", nil},
		"purge beside one that is not managed": {[]func(*place){byHand, func(p *place) { p.m.st.Installed = false }}, "uninstall --purge", 1, "it still runs outside the manager", []string{"remove"}},
		"purge where we may not look":          {[]func(*place){func(p *place) { p.lock = errors.New("lock is broken") }}, "uninstall --purge", 1, "lock is broken", []string{"remove"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, so := range tt.so {
				so(p)
			}
			p.wants(tt.args, tt.code, tt.says, tt.did...)
		})
	}
}

func badFile(p *place) {
	p.cfg.File = p.dir + "/bad.toml"
	p.put(p.cfg.File, "[service]\ncolour_of_it = 1\n")
}

// The command line takes precedence over the file, and the definition says where a value came
// from.
func TestWhatIsInstalled(t *testing.T) {
	p := newPlace(t)
	p.cfg.File = filepath.Join(p.dir, "feedd.toml")
	p.put(p.cfg.File, "[service]\nuser = \"file\"\nargs = [\"-f\"]\n")
	if _, err := p.run("plan", "--program", "/usr/sbin/feedd", "--scope", "system"); err != nil || p.m.unit.User != "file" {
		t.Errorf("%v: %+v", err, p.m.unit)
	}
	if _, err := p.run("plan", "--program", "/usr/sbin/feedd", "--user", "flag", "--instance", "two"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/usr/sbin/feedd", "run", "--config", p.cfg.File, "--instance", "two", "--runtime-dir", p.cfg.RuntimeDir,
		"--state-dir", p.cfg.StateDir, "--scope", "user", "--", "-f",
	}
	if u := p.m.unit; u.User != "flag" || !slices.Equal(u.Exec, want) {
		t.Errorf("user %q, %q\nwant %q", u.User, u.Exec, want)
	}
}

// fill makes the directories of a service like a run leaves them, with further entries.
func fill(p *place, more ...string) {
	p.writes(other, platform.PhaseReady, nil)
	for _, name := range append(more, "run/feedd.pid", "state/feedd.lock", "state/feedd.lastrun.json", "state/.feedd.lastrun.json.new") {
		path := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		p.put(path, "")
	}
}

// A purge removes what belongs to the service, names what else is there, and touches nothing
// before it has decided (issue 9, 1).
func TestPurge(t *testing.T) {
	const all = "remove all of /run,remove all of /state"
	for name, tt := range map[string]struct {
		more []string
		args string
		code int
		says string
		did  string
	}{
		"its own":            {nil, "uninstall --purge", 0, "feedd is uninstalled", "remove," + all},
		"without purge":      {[]string{"state/theirs.db"}, "uninstall", 0, "feedd is uninstalled", "remove"},
		"another's":          {[]string{"state/theirs.db"}, "uninstall --purge", 1, "/state contains theirs.db, which is not named after the service", ""},
		"another service's":  {[]string{"run/other.pid", "run/other.state.json"}, "uninstall --purge", 1, "/run contains other.pid, other.state.json, which are not", ""},
		"nearly its name":    {[]string{"state/feedd2.lock"}, "uninstall --purge", 1, "feedd2.lock", ""},
		"a directory":        {[]string{"state/feedd.d/x"}, "uninstall --purge", 1, "feedd.d", ""},
		"very much":          {[]string{"state/01", "state/02", "state/03", "state/04", "state/05", "state/06", "state/07", "state/08", "state/09", "state/10", "state/11", "state/12"}, "uninstall --purge", 1, "10 and 2 more", ""},
		"another's, knowing": {[]string{"state/theirs.db"}, "uninstall --purge --purge-foreign", 0, "/state with theirs.db", "remove," + all},
		"what is not there":  {nil, "uninstall --purge --runtime-dir /nonexistent/feedd", 0, "", "remove,remove all of /state"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			// The default log directory is one of this user's.
			for _, v := range []string{"HOME", "XDG_STATE_HOME", "LocalAppData"} {
				t.Setenv(v, filepath.Join(p.dir, "home"))
			}
			fill(p, tt.more...)
			p.wants(tt.args, tt.code, tt.says, strings.FieldsFunc(tt.did, func(r rune) bool { return r == ',' })...)
		})
	}
}

// The environment of the caller may be that of another service, whose directories stay (issue
// 9, 1).
func TestPurgeInsideOfAnotherService(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the variables of this test are Linux's")
	}
	p := newPlace(t)
	p.cfg.RuntimeDir, p.cfg.StateDir = "", ""
	home := filepath.Join(p.dir, "home")
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(home, "run"))
	theirs := filepath.Join(p.dir, "theirs")
	for _, v := range []string{"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"} {
		t.Setenv(v, theirs)
	}
	for _, dir := range []string{theirs, home + "/state/feedd", home + "/run/feedd", home + "/config"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.put(theirs+"/data", "")
	p.put(home+"/state/feedd/ours.db", "")
	// A default directory belongs to the service with everything in it, and this is reported.
	p.wants("uninstall --purge", 0, "remove "+home+"/state/feedd with ours.db", "remove", "remove all of /home/run/feedd", "remove all of /home/state/feedd")
	if _, err := os.Stat(theirs + "/data"); err != nil {
		t.Errorf("what another service keeps is gone: %v", err)
	}
	// And `status` looks into the service's own.
	s := state.State{Name: "feedd", Process: other, Phase: platform.PhaseReady}
	if err := errors.Join(os.MkdirAll(home+"/run/feedd", 0o755), state.Write(state.Path(home+"/run/feedd", "feedd"), s)); err != nil {
		t.Fatal(err)
	}
	p.wants("status", 2, "feedd is stopped")
}

// The directory through which commands ask a journal belongs to the service, even if a flag
// named the state directory.
func TestPurgeOfAJournalsDesk(t *testing.T) {
	p := newPlace(t)
	desk := p.cfg.StateDir + "/feedd.journal.desk"
	if err := os.Mkdir(desk, 0o700); err != nil {
		t.Fatal(err)
	}
	p.wants("uninstall --purge", 0, "", "remove", "remove all of /run", "remove all of /state")
	if says := p.out.String(); strings.Contains(says, "with") {
		t.Error(says)
	}
}

// A link is removed, but not its target.
func TestPurgeOfALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links to directories need rights there, and Wine has its own")
	}
	p := newPlace(t)
	t.Setenv("XDG_STATE_HOME", filepath.Join(p.dir, "xdg"))
	p.put(p.dir+"/precious", "")
	if err := errors.Join(os.Remove(p.cfg.StateDir), os.Symlink(p.dir, p.cfg.StateDir)); err != nil {
		t.Skip(err)
	}
	p.wants("uninstall --purge", 0, "", "remove", "remove all of /run", "remove all of /state")
	if _, err := os.Stat(p.dir + "/precious"); err != nil {
		t.Error(err)
	}
}

// logless has a manager without a log command: an empty slice, and not nil. logs and status
// took its first word.
func logless(p *place) { p.m.logs = []string{} }

func TestLogs(t *testing.T) {
	file := func(p *place) { p.cfg.Log.File = p.dir + "/feedd.log"; p.put(p.cfg.Log.File, "one\ntwo\n") }
	for name, tt := range map[string]struct {
		so   []func(*place)
		args string
		code int
		says string
	}{
		"of the manager":           {nil, "logs -n 3", 0, "3 lines"},
		"of a file":                {[]func(*place){file}, "logs -n 1", 0, "two\n"},
		"with a bad file":          {[]func(*place){badFile}, "logs -n 3", 0, "3 lines"}, // issue 9, 9
		"with a bad file, said":    {[]func(*place){badFile}, "logs -n 3", 0, "without the configuration file: "},
		"the code's, a bad file":   {[]func(*place){file, badFile}, "logs -n 1", 0, "two\n"},
		"which it does not follow": {nil, "logs -f", 1, "fake can only show existing lines"},
		"which it does not keep":   {nil, "logs -n 0", 1, "keeps none"},
		"an empty command for it":  {[]func(*place){logless}, "logs -n 3", 1, "keeps none"},
		"an empty one, followed":   {[]func(*place){logless}, "logs -f", 1, "keeps none"},
		"an empty one, of a death": {[]func(*place){logless, func(p *place) { p.m.st.Phase = platform.PhaseFailed }}, "status", 3, "failed"},
		"without a manager":        {[]func(*place){unmanaged}, "logs", 1, "the log goes to the terminal of `run`"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			for _, so := range tt.so {
				so(p)
			}
			p.wants(tt.args, tt.code, tt.says)
		})
	}
}

// Each query of a manager costs as much as a command, and an install should cost little more
// than the calls that it needs.
func TestIssue11_AnInstallAsksTheManagerLittle(t *testing.T) {
	p := newPlace(t)
	before := p.m.queries.Load()
	if out, err := p.run("install"); err != nil {
		t.Fatal(out, err)
	}
	if n := p.m.queries.Load() - before; n > 4 { // before, in each scope, and what has become of it
		t.Errorf("%d queries", n)
	}
}
