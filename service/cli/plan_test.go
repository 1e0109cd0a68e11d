package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// command runs the command line in this process and returns what it prints.
func command(t *testing.T, cfg service.Config, args ...string) (stdout string, err error) {
	t.Helper()
	root := cli.Command(cfg, nil)
	var out, errs bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return out.String(), err
}

func config(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "feedd.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A plan can be made for any manager on any machine, for example by packagers.
func TestPlanForSystemdAnywhere(t *testing.T) {
	cfg := service.Config{Name: "feedd", Description: "Feeds"}
	out, err := command(t, cfg, "plan", "--manager", "systemd", "--scope", "system", "--json",
		"--program", "/usr/sbin/feedd", "--user", "feed", "--instance", "two")
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Manager string
		Steps   []struct{ Kind, Describe, Path, Mode, Content string }
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil || plan.Manager != "systemd" {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, s := range plan.Steps {
		if s.Kind != "write-file" {
			continue
		}
		if s.Path != "/etc/systemd/system/feedd@two.service" || s.Mode != "0644" || s.Describe == "" {
			t.Errorf("the step is %+v", s)
		}
		for _, line := range []string{
			"Description=Feeds", "ExecStart=/usr/sbin/feedd run --instance two --scope system", "User=feed",
			"ExecReload=/usr/sbin/feedd reload --instance two --scope system --direct",
			"RestartPreventExitStatus=75 77 78", "RuntimeDirectory=feedd@two", "RuntimeDirectoryPreserve=yes",
		} {
			if !strings.Contains(s.Content, line+"\n") {
				t.Errorf("the unit lacks %q:\n%s", line, s.Content)
			}
		}
		return
	}
	t.Errorf("no step writes a file:\n%s", out)
}

// A plan for Windows, made anywhere, has the exact command line.
func TestPlanForWindowsAnywhere(t *testing.T) {
	cfg := service.Config{Name: "feedd", Args: []string{`a "b" c\`}, Env: map[string]string{"TOKEN": "x"}}
	flags := []string{"plan", "--manager", "scm", "--program", `C:\Program Files\feedd.exe`, "--state-dir", `D:\feed state`, "--instance", "two"}
	out, err := command(t, cfg, append(flags, "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Manager string
		Steps   []struct {
			Kind, Path, Access, Source, Name, Account string
			BinaryPath                                string `json:"binary_path"`
		}
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil || plan.Manager != "scm" {
		t.Fatalf("%v in\n%s", err, out)
	}
	want := `"C:\Program Files\feedd.exe" run --instance two --state-dir "D:\feed state" --scope system -- "a \"b\" c\\"`
	found := 0
	for _, s := range plan.Steps {
		switch s.Kind {
		case "service":
			found++
			if s.BinaryPath != want || s.Name != "feedd@two" || s.Account != "LocalSystem" {
				t.Errorf("%+v, want the command line %s", s, want)
			}
		case "directory":
			if s.Access == "" || s.Path == "" {
				t.Errorf("%+v", s)
			}
		}
	}
	if found != 1 {
		t.Errorf("%d steps create the service:\n%s", found, out)
	}
	text, err := command(t, cfg, flags...)
	if err != nil || !strings.Contains(text, "| binary_path: "+want+"\n") || !strings.Contains(text, "access O:BA") {
		t.Errorf("%v in\n%s", err, text)
	}
	// A Windows path is not absolute here, and this used to be refused.
	logs := config(t, "[service.log]\nfile = 'D:\\logs\\feedd.log'\n")
	if _, err := command(t, cfg, append(flags, "--config", logs)...); err != nil {
		t.Errorf("a log file of Windows: %v", err)
	}
	if _, err := command(t, cfg, append(flags, "--scope", "user")...); cli.ExitCode(err) != 78 || !strings.Contains(err.Error(), "scope") {
		t.Errorf("a user's: %v", err)
	}
}

func TestFlagsBeatTheFile(t *testing.T) {
	// With these switches on, a service would not see the file at its place.
	file := config(t, "[service]\nuser = \"from-file\"\n[service.hardening]\nprivate_tmp = false\nprotect_home = false\n")
	t.Chdir(filepath.Dir(file))
	out, err := command(t, service.Config{Name: "feedd"}, "install", "--dry-run", "--manager", "systemd", "--scope", "system",
		"--program", "/usr/sbin/feedd", "--config", filepath.Base(file), "--user", "from-flag", "--state-dir", "/srv/feedd")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"User=from-flag", "--state-dir /srv/feedd", "feedd.toml", "mode 0644"} {
		if !strings.Contains(out, part) {
			t.Errorf("the plan lacks %q:\n%s", part, out)
		}
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	good := service.Config{Name: "feedd"}
	cases := map[string]struct {
		cfg  service.Config
		args []string
		code int
		says string
	}{
		"unknown manager":   {good, []string{"plan", "--manager", "upstart"}, 2, "upstart"},
		"unknown scope":     {good, []string{"plan", "--manager", "systemd", "--scope", "galaxy"}, 2, "galaxy"},
		"bad name":          {service.Config{Name: "a b"}, []string{"plan", "--manager", "systemd"}, 78, "a b"},
		"missing file":      {good, []string{"plan", "--manager", "systemd", "--config", "/nonexistent"}, 78, "nonexistent"},
		"relative program":  {good, []string{"plan", "--manager", "systemd", "--scope", "system", "--program", "feedd"}, 2, "absolute"},
		"no manager at all": {good, []string{"start", "--manager", "none"}, 1, "run"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := command(t, c.cfg, c.args...)
			if code := cli.ExitCode(err); code != c.code {
				t.Errorf("exit code %d, want %d: %v", code, c.code, err)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	if _, err := command(t, service.Config{Name: "feedd"}, "man", dir); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"feedd.8", "feedd-status.8", "feedd-reload.8"} {
		text, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil || !bytes.Contains(text, []byte(".SH")) {
			t.Errorf("%s: %v", page, err)
		}
	}
}

func TestCompletion(t *testing.T) {
	out, err := command(t, service.Config{Name: "feedd"}, "completion", "bash")
	if err != nil || !strings.Contains(out, "feedd") {
		t.Errorf("%v: %.100s", err, out)
	}
}
