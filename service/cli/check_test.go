package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
)

// feeder is a program with a table of its own.
type feeder struct{ refuses error }

type feedTable struct {
	URL string `toml:"url" help:"where the feed is"`
}

func (f *feedTable) Validate() error {
	if !strings.HasPrefix(f.URL, "http") {
		return &service.FieldError{Key: "url", Err: errors.New("no such protocol")}
	}
	return nil
}

func (*feeder) Start(context.Context, *service.Runtime) error { return nil }
func (*feeder) Stop(context.Context) error                    { return nil }
func (*feeder) Tables() map[string]any {
	return map[string]any{"feed": &feedTable{URL: "http://localhost"}}
}
func (f *feeder) Check(context.Context, service.Config) error { return f.refuses }

// file gives the service a configuration file.
func (p *place) file(text string) {
	p.t.Helper()
	p.cfg.File = filepath.Join(p.dir, "feedd.toml")
	p.put(p.cfg.File, text)
}

const (
	badKey   = "[service]\nstop_timout = '3s'\nwatchdog = 7\n"
	badTable = "[feed]\n\nurl = 'ftp://x'\n"
)

// Issue 10, section 7: `check` finds what is wrong, each in one line with its
// place, and the commands that would break the service do not begin.
func TestIssue10_7_Check(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		so   func(*place)
		says []string // by `check`, after FILE; none: all is well
	}{
		"nothing":         {},
		"all is well":     {text: "[feed]\nurl = 'https://x'\n"},
		"keys":            {text: badKey, says: []string{`:2: service.stop_timout: unknown: did you mean "stop_timeout"?`, `:3: service.watchdog: a duration needs a unit, as in "30s"`}},
		"values":          {text: "[service]\numask = '9'\n", says: []string{`:2: service.umask: "9" is not an octal mode like "0027"`}},
		"no TOML":         {text: "[service\n", says: []string{`:2: expected`}},
		"its own table":   {text: badTable, says: []string{`:3: feed.url: no such protocol`}},
		"both":            {text: badKey + badTable, says: []string{`:2: service.stop_timout`, `:3: service.watchdog`, `:6: feed.url: no such protocol`}},
		"its own key":     {text: "[feed]\nulr = 'http://x'\n", says: []string{`:2: feed.ulr: unknown: did you mean "url"?`}},
		"what it refuses": {so: func(p *place) { p.prog = &feeder{refuses: errors.New("no\nport\x1b[2J")} }, says: []string{`no; port\x1b[2J`}},
		"no user":         {text: "[service]\nuser = 'feed'\n", so: ofTheSystem, says: []string{`:2: service.user: there is no user "feed": create it (useradd --system`}},
		"no groups": {
			text: "[service]\ngroup = 'a'\nuser = 'alice'\n[service.hardening]\nsupplementary_groups = ['users', 'b']\n", so: ofTheSystem,
			says: []string{`:2: service.group: there is no group "a": create it (groupadd`, `:5: service.hardening.supplementary_groups: there is no group "b"`},
		},
		"a user that systemd makes": {text: "[service]\nuser = 'feed'\n[service.systemd]\nextra = ['DynamicUser=yes']\n", so: ofTheSystem},
		"a user that cannot be had": {text: "[service]\nuser = 'broken'\n", so: ofTheSystem, says: []string{`:2: service.user: user "broken": no answer`}},
		"no working directory":      {text: "[service]\nworking_directory = 'NOWHERE'\n", says: []string{`:2: service.working_directory: NOWHERE does not exist: create it`}},
		"a file to work in":         {text: "[service]\nworking_directory = '" + os.Args[0] + "'\n", says: []string{`is not a directory`}},
		"its own directory":         {text: "[service]\nworking_directory = 'STATE/below'\n"},
		"no directory to write to": {
			text: "[service.hardening]\nread_write_paths = ['NOWHERE', '-NOWHERE', 'STATE']\n[service.log]\nfile='NOWHERE/log'\n",
			so:   ofTheSystem,
			says: []string{`:2: service.hardening.read_write_paths: NOWHERE does not exist`, `:4: service.log.file: NOWHERE does not exist`},
		},
		"no directory to write to, elsewhere": {text: "[service.hardening]\nread_write_paths = ['NOWHERE']\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.prog = &feeder{}
			p.m.st.Installed = true
			if tt.text != "" {
				p.file(p.filled(tt.text))
			}
			if tt.so != nil {
				tt.so(p)
			}
			code := 0
			if len(tt.says) > 0 {
				code = 78
			}
			p.wants("check", code, "")
			lines := strings.Split(strings.TrimSuffix(p.out.String(), "\n"), "\n")
			if len(tt.says) == 0 && p.out.Len() > 0 || len(tt.says) > 0 && len(lines) != len(tt.says) {
				t.Fatalf("it says %q, want %q", lines, tt.says)
			}
			var found struct {
				OK       bool
				Findings []struct {
					File, Key, Problem string
					Line               int
				}
			}
			for i, want := range tt.says {
				if want = p.filled(want); strings.HasPrefix(want, ":") {
					want = p.cfg.File + want
				}
				if !strings.Contains(lines[i], want) {
					t.Errorf("it says\n%s\nwant\n%s", lines[i], want)
				}
			}
			p.wants("check --json", code, "")
			if err := json.Unmarshal(p.out.Bytes(), &found); err != nil || found.OK != (code == 0) || len(found.Findings) != len(tt.says) || found.Findings == nil {
				t.Errorf("%v: %s", err, &p.out)
			}
			if code == 0 {
				return
			}
			for _, args := range []string{"install --program /usr/sbin/feedd", "start", "restart"} {
				p.wants(args, 78, "bad configuration") // and did nothing
			}
		})
	}
}

// filled replaces the placeholders for directories in text.
func (p *place) filled(text string) string {
	return strings.NewReplacer("STATE", p.cfg.StateDir, "NOWHERE", filepath.Join(p.dir, "nowhere")).Replace(text)
}

// ofTheSystem puts the service on a machine with systemd, alice and the group users.
func ofTheSystem(p *place) {
	p.cfg.Scope = "system"
	p.m.name = "systemd"
	p.accounts = map[string]string{"alice": "54321", "users": "54322"}
}

// What a reload reads is checked before the service is asked. Accounts do not matter for a
// running service. Files that only the service may read are left to it.
func TestIssue10_7_ReloadIsCheckedBefore(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		so   func(*place)
		args string
		code int
		did  []string
	}{
		"a key":                  {badKey, nil, "reload", 78, nil},
		"its own table":          {badTable, nil, "reload --no-wait", 78, nil},
		"what it refuses":        {"", func(p *place) { p.prog = &feeder{refuses: errors.New("no")} }, "reload", 78, nil},
		"the manager's own":      {badTable, nil, "reload --direct --no-wait", 0, []string{"signal 70 hangup"}},
		"no user":                {"[service]\nuser = 'feed'\n", ofTheSystem, "reload", 0, []string{"reload"}},
		"what is not ours":       {"", func(p *place) { p.prog = &feeder{refuses: os.ErrPermission} }, "reload", 0, []string{"reload"}},
		"all is well":            {"[feed]\nurl = 'https://x'\n", nil, "reload", 0, []string{"reload"}},
		"stop needs no good one": {badTable, nil, "stop", 0, []string{"stop"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.prog = &feeder{}
			running(p)
			p.signalled = func(proc.Identity, os.Signal) error { return nil }
			if tt.text != "" {
				p.file(tt.text)
			}
			if tt.so != nil {
				tt.so(p)
			}
			if tt.args == "stop" {
				p.m.on = func(string) { p.gone[feedd.PID] = true }
			}
			p.wants(tt.args, tt.code, "", tt.did...)
		})
	}
}

// Whether the service's user can read a file is decided along the path to the file.
func TestIssue10_7_TheServicesUserReadsTheConfiguration(t *testing.T) {
	if _, err := exec.LookPath("true"); err != nil || os.PathSeparator != '/' {
		t.Skip("there are no modes here")
	}
	top, err := os.MkdirTemp("/tmp", "feedd") //nolint:usetesting // t.TempDir is closed to others above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		file, dir os.FileMode
		link      bool
		config    string
		says      string // empty: it can
	}{
		"everybody's":              {0o644, 0o755, false, "user = 'alice'", ""},
		"ours alone":               {0o600, 0o755, false, "user = 'alice'", "cannot read it: the file's mode is 0600"},
		"in a closed directory":    {0o644, 0o700, false, "user = 'alice'", "mode 0700)"},
		"a link into one":          {0o644, 0o700, true, "user = 'alice'", "mode 0700)"},
		"with the capability":      {0o600, 0o755, false, "user = 'alice'\nhardening.capabilities = ['CAP_DAC_READ_SEARCH']", ""},
		"of its group":             {0o640, 0o755, false, "user = 'alice'\nhardening.supplementary_groups = ['ours']", ""},
		"of another group":         {0o640, 0o755, false, "user = 'alice'\nhardening.supplementary_groups = ['users']", "mode is 0640"},
		"of the group that it has": {0o640, 0o755, false, "user = 'alice'\ngroup = 'ours'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			ofTheSystem(p)
			dir := filepath.Join(top, strings.ReplaceAll(name, " ", "-"))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "feedd.toml")
			p.put(path, "[service]\n"+tt.config+"\n")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			p.accounts["ours"] = group(info)
			p.cfg.File = path
			if tt.link {
				p.cfg.File = dir + ".link"
				if err := os.Symlink(path, p.cfg.File); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(os.Chmod(path, tt.file), os.Chmod(dir, tt.dir)); err != nil {
				t.Fatal(err)
			}
			code := 0
			if tt.says != "" {
				code = 78
			}
			p.wants("check", code, tt.says)
			p.wants("check --manager none", code, tt.says)
		})
	}
}

// A program that cannot be asked has no commands.
func TestTablesThatNothingCanBeDecodedInto(t *testing.T) {
	p := newPlace(t)
	p.prog = unfit{}
	p.wants("status", 78, `the program's table "feed" is a string`)
}

type unfit struct{ *feeder }

func (unfit) Tables() map[string]any { return map[string]any{"feed": "x"} }

// Issue 10, section 7: the output of `config print` sets nothing, and has all keys, including
// those of the program.
func TestIssue10_7_ConfigPrint(t *testing.T) {
	p := newPlace(t)
	p.prog = &feeder{}
	p.wants("config print", 0, "\n[feed]\n# where the feed is\n#url = \"http://localhost\"\n")
	text := p.out.String()
	for _, text := range []string{text, regexp.MustCompile(`(?m)^#(\w)`).ReplaceAllString(text, "$1")} {
		p.file(text)
		p.wants("check", 0, "")
		p.cfg.File = ""
	}
	p.wants("config", 0, "print")
	p.wants("config prnt", 2, `unknown command "prnt"`)
}

// Text from elsewhere is made safe before it reaches a terminal.
func TestIssue10_NoEscapesInErrors(t *testing.T) {
	p := newPlace(t)
	p.m.fails = errors.New("red \x1b[31m alert\r\nand \u202e more")
	p.wants("start", 1, `red \x1b[31m alert\r`+"\n"+`and \u202e more`, "start")
	_, err := p.run("start", "\x1b[2J")
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%q", err)
	}
}
