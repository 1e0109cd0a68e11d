package cli_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

const foreignUnit = `[Unit]
Description=Feeds
After=network-online.target
[Service]
User=feed
ExecStart=/usr/bin/feedd --level "two words"
ExecReload=/bin/kill -HUP $MAINPID
Environment=SECRET=hush
Restart=always
[Install]
WantedBy=multi-user.target
`

// The configuration goes to standard output and is usable. Settings without a counterpart are
// comments in it. Nothing is changed.
func TestMigrate(t *testing.T) {
	p := newPlace(t)
	file := filepath.Join(p.dir, "old.service")
	if err := os.WriteFile(file, []byte(foreignUnit), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.run("migrate", file); err != nil {
		t.Fatal(err)
	}
	text := p.out.String()
	for _, part := range []string{
		`It is called "old", and this program's service "feedd"`, `It ran: ["/usr/bin/feedd" "--level" "two words"]`,
		"\nargs = [\"--level\", \"two words\"]\n", "\nneeds_network = true\n", "# ExecReload = /bin/kill -HUP $MAINPID: ",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("lacks %q:\n%s", part, text)
		}
	}
	p.file(text)
	loaded, err := service.Config{Name: "feedd", File: p.cfg.File}.Load()
	if err != nil || loaded.User != "feed" || loaded.Restart.Policy != "always" || loaded.Env["SECRET"] != "hush" {
		t.Errorf("%+v, %v", loaded, err)
	}

	p.out.Reset()
	if _, err := p.run("migrate", file, "--json"); err != nil {
		t.Fatal(err)
	}
	if got := p.json(); got["kind"] != "systemd unit" || got["manager"] != "systemd" || got["name"] != "old" || !strings.Contains(got["config"].(string), "needs_network") {
		t.Errorf("%s", &p.out)
	}
}

// A package's definition of a holdfast program runs `run`. This word and its flags are no
// arguments of the program. In a foreign program they are kept, with a hint.
func TestMigrateOfWhatRanRun(t *testing.T) {
	p := newPlace(t)
	file := filepath.Join(p.dir, "feedd.service")
	const hint, known = "remove `run` and its flags from args", "`run` and its flags are not arguments"
	for line, want := range map[string]struct{ args, says, not string }{
		"/usr/bin/feedd run --config /etc/feedd.toml":           {"", known, hint},
		"/usr/bin/feedd run --config=/etc/feedd.toml --level x": {`"--level", "x"`, known, hint},
		"/usr/bin/feedd run a --config x":                       {`"a", "--config", "x"`, known, hint},
		"/usr/bin/other run --config /etc/other.toml":           {`"run", "--config", "/etc/other.toml"`, hint, known},
		"/usr/bin/feedd":             {"", "It ran", hint},
		"/usr/bin/feedd --level run": {`"--level", "run"`, "It ran", hint},
	} {
		if err := os.WriteFile(file, []byte("[Service]\nExecStart="+line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.out.Reset()
		code, err := p.run("migrate", file)
		text := p.out.String()
		if code != 0 || !strings.Contains(text, want.says) || strings.Contains(text, want.not) {
			t.Errorf("%s: %d, %v:\n%s", line, code, err, text)
		}
		if has := strings.Contains(text, "\nargs = ["+want.args+"]\n"); has != (want.args != "") || !has && strings.Contains(text, "\nargs =") {
			t.Errorf("%s: arguments are not %s:\n%s", line, want.args, text)
		}
	}
}

// A definition by holdfast needs no migration, and migrate says so. It prints the
// configuration nevertheless.
func TestMigrateOfWhatIsOurs(t *testing.T) {
	p := newPlace(t)
	file := filepath.Join(p.dir, "old.service")
	if err := os.WriteFile(file, []byte("# Made by holdfast; the next install replaces it\n[Service]\nExecStart=/usr/bin/feedd run --config /etc/feedd.toml\nUser=feed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, err := p.run("migrate", file); code != 0 || !strings.Contains(p.out.String(), "It is already a definition by holdfast: there is nothing to migrate. `install` updates it.") ||
		!strings.Contains(p.out.String(), "\nuser = \"feed\"\n") || strings.Contains(p.out.String(), "args =") || strings.Contains(p.out.String(), "adopt") {
		t.Errorf("%d, %v:\n%s", code, err, &p.out)
	}
	p.out.Reset()
	if _, err := p.run("migrate", file, "--json"); err != nil {
		t.Error(err)
	}
	if ours, _ := p.json()["ours"].(bool); !ours {
		t.Errorf("%s", &p.out)
	}
}

func TestMigrateOfWhatIsNone(t *testing.T) {
	p := newPlace(t)
	file := filepath.Join(p.dir, "notes")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, filepath.Join(p.dir, "missing")} {
		if code, err := p.run("migrate", name); code != 1 || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if code, err := p.run("migrate"); code != 2 {
		t.Errorf("without a file: %v", err)
	}
}

// The migrated configuration replaces the whole [service] table, with every key.
func TestMigrateTakesTheWholeTable(t *testing.T) {
	c := service.Config{Name: "feedd", Version: "1", RuntimeDir: "/run/x", DisplayName: "old", Supervise: true}
	cli.TakeTable(&c, service.Config{Name: "other", Description: "new", RuntimeDir: "/run/y"})
	want := service.Config{Name: "feedd", Version: "1", RuntimeDir: "/run/x", Description: "new"}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v", c)
	}
}
