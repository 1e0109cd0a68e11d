package container_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/container"
)

var update = flag.Bool("update", false, "write the golden files anew")

// unit returns a unit with nothing but what every service has.
func unit() platform.Unit {
	const program = "/usr/local/bin/feedd"
	return platform.Unit{
		ID:       platform.ID{Name: "feedd", Scope: platform.ScopeSystem},
		Exec:     []string{program, "run", "--scope", "system"},
		Commands: platform.Commands{Ready: []string{program, "status", "--ready"}},
	}
}

// full returns a unit with many settings.
func full() platform.Unit {
	u := unit()
	u.Instance, u.Description = "two", "feeds: \"all\" of them"
	u.Container = platform.Container{Image: "registry.example/feedd:1.2", Storage: 5 << 30}
	u.Exec = append(u.Exec, "--", "a b", "$HOME")
	u.Env = map[string]string{"TZ": "Europe/Berlin", "DB_PASSWORD": "hidden", "DEBUG": "yes"}
	u.User, u.Group, u.WorkingDirectory = "1000", "1001", "/data"
	u.ConfigFile = "/etc/feedd/feedd.toml"
	u.StopTimeout, u.Watchdog, u.Probes = 25*time.Second, 30*time.Second, ":9100"
	u.Restart.Policy = platform.RestartAlways
	u.Limits.Memory, u.Limits.CPU = 512<<20, 150
	u.Sockets = []platform.Socket{{Name: "api", Listen: "tcp::8080"}}
	return u
}

func managers() []*container.Manager {
	return []*container.Manager{container.Kubernetes(), container.Compose()}
}

func TestGolden(t *testing.T) {
	for name, u := range map[string]platform.Unit{"least": unit(), "full": full()} {
		for _, m := range managers() {
			golden := filepath.Join("testdata", name+"."+m.Name()+".yaml")
			got, err := m.Render(u)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || string(got) != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("%v: %s is not what is rendered (-update writes it)", err, golden)
			}
		}
	}
}

// What a container cannot honour is refused by its key. Where only names is set, only that
// manager refuses it.
func TestRefusals(t *testing.T) {
	mask := os.FileMode(0o077)
	for key, tt := range map[string]struct {
		change func(*platform.Unit)
		only   string
	}{
		"name":                           {func(u *platform.Unit) { u.ID.Name = "Feed_d" }, ""},
		"scope":                          {func(u *platform.Unit) { u.Scope = platform.ScopeUser }, ""},
		"exec":                           {func(u *platform.Unit) { u.Exec[0] = `C:\feedd.exe` }, ""},
		"args":                           {func(u *platform.Unit) { u.Exec = append(u.Exec, "--", "--db-password=hidden") }, ""},
		"env":                            {func(u *platform.Unit) { u.Env = map[string]string{"A B": "hidden"} }, ""},
		"description":                    {func(u *platform.Unit) { u.Description = "\xff" }, ""},
		"container.image":                {func(u *platform.Unit) { u.Container.Image = "a b" }, ""},
		"user":                           {func(u *platform.Unit) { u.User = "feed" }, ""},
		"group":                          {func(u *platform.Unit) { u.Group = "7" }, ""},
		"umask":                          {func(u *platform.Unit) { u.Umask = &mask }, ""},
		"after":                          {func(u *platform.Unit) { u.After = []string{"db"} }, ""},
		"requires":                       {func(u *platform.Unit) { u.Requires = []string{"db"} }, ""},
		"wants":                          {func(u *platform.Unit) { u.Wants = []string{"db"} }, ""},
		"root_directory":                 {func(u *platform.Unit) { u.RootDirectory = "/srv" }, ""},
		"working_directory":              {func(u *platform.Unit) { u.WorkingDirectory = "/srv/../data" }, ""},
		"runtime_dir":                    {func(u *platform.Unit) { u.RuntimeDir = "/run" }, ""},
		"state_dir":                      {func(u *platform.Unit) { u.StateDir = "/usr/local/feedd" }, ""},
		"activation":                     {func(u *platform.Unit) { u.Activation = platform.ActivationSocket }, ""},
		"socket":                         {func(u *platform.Unit) { u.Sockets = []platform.Socket{{Name: "a", Listen: "tcp:192.0.2.1:80"}} }, ""},
		"metrics.listen":                 {func(u *platform.Unit) { u.Probes = "192.0.2.1:9100" }, ""},
		"restart.policy":                 {func(u *platform.Unit) { u.Restart.Policy = platform.RestartOnSuccess }, ""},
		"limits.nice":                    {func(u *platform.Unit) { u.Limits.Nice = 5 }, ""},
		"hardening.read_write_paths":     {func(u *platform.Unit) { u.Hardening.ReadWritePaths = []string{"/var/log"} }, ""},
		"hardening.supplementary_groups": {func(u *platform.Unit) { u.Hardening.SupplementaryGroups = []string{"feed"} }, ""},
		"hardening.capabilities": {func(u *platform.Unit) {
			u.User, u.Hardening.Capabilities = "7", []string{"CAP_CHOWN"}
		}, ""},
		"limits.nofile":              {func(u *platform.Unit) { u.Limits.NoFile = 100 }, "kubernetes"},
		"limits.nproc":               {func(u *platform.Unit) { u.Limits.NProc = 100 }, "kubernetes"},
		"limits.core":                {func(u *platform.Unit) { u.Limits.Core = new(uint64) }, "kubernetes"},
		"limits.tasks":               {func(u *platform.Unit) { u.Limits.Tasks = 100 }, "kubernetes"},
		"start_type":                 {func(u *platform.Unit) { u.StartType = platform.StartManual }, "kubernetes"},
		"restart.success_exit_codes": {func(u *platform.Unit) { u.Restart.Success = []int{3} }, "compose"},
	} {
		for _, m := range managers() {
			u := unit()
			tt.change(&u)
			_, err := m.Plan(t.Context(), u)
			refused := errors.Is(err, platform.ErrBadUnit) && strings.Contains(err.Error(), key)
			if want := tt.only == "" || tt.only == m.Name(); refused != want || err != nil && !refused {
				t.Errorf("%s of %s: %v", key, m.Name(), err)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s: %v shows a secret", key, err)
			}
		}
	}
}

// No value that may be a secret is rendered. A person is told where each one has to be put.
func TestNoSecretIsRendered(t *testing.T) {
	u := unit()
	u.Env = map[string]string{
		"DB_PASSWORD": "hidden", "api_token": "hidden", "AWS_SECRET_ACCESS_KEY": "hidden", "DATABASE_URL": "postgres://me:hidden@db/x",
		"PASSWORD_FILE": "/run/secrets/password", "DOCS": "https://host/a@b:c", "TZ": "UTC",
	}
	for _, m := range managers() {
		content, err := m.Render(u)
		warnings := strings.Join(m.Warnings(t.Context(), u), "\n")
		if err != nil || strings.Contains(string(content)+warnings, "hidden") {
			t.Errorf("%v: a secret is in\n%s\n%s", err, content, warnings)
		}
		for _, shown := range []string{"/run/secrets/password", "https://host/a@b:c", "UTC"} {
			if !strings.Contains(string(content), shown) {
				t.Errorf("%s is no secret, and not in\n%s", shown, content)
			}
		}
		if !strings.Contains(warnings, "AWS_SECRET_ACCESS_KEY, DATABASE_URL, DB_PASSWORD, api_token") {
			t.Errorf("%s\ndoes not name the secrets", warnings)
		}
	}
}

// A manager that only renders never acts, and knows nothing of what runs.
func TestNothingIsCarriedOut(t *testing.T) {
	id := unit().ID
	for _, m := range managers() {
		_, err := m.Removal(t.Context(), id)
		for verb, err := range map[string]error{
			"start": m.Start(t.Context(), id), "stop": m.Stop(t.Context(), id), "restart": m.Restart(t.Context(), id), "reload": m.Reload(t.Context(), id), "uninstall": err,
		} {
			if !errors.Is(err, platform.ErrUnsupported) || !strings.HasPrefix(err.Error(), verb) || !strings.Contains(err.Error(), m.Apply()) {
				t.Errorf("%s: %v", verb, err)
			}
		}
		if st, err := m.Status(t.Context(), id); err != nil || st.Installed || st.Phase != platform.PhaseUnknown || m.Logs(id, 1, false) != nil {
			t.Errorf("%+v, %v", st, err)
		}
	}
}

// A URL with a password may be an argument of its own, or the value of a flag.
func TestNoPasswordInAnArgument(t *testing.T) {
	for _, arg := range []string{"postgres://me:hidden@db/x", "--db=postgres://me:hidden@db/x"} {
		for _, m := range managers() {
			u := unit()
			u.Exec = append(u.Exec, "--", arg)
			if _, err := m.Render(u); !errors.Is(err, platform.ErrBadUnit) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%s: %v", arg, err)
			}
		}
	}
}

// The key of a ConfigMap has no @, as the file of an instance has.
func TestTheConfigurationOfAnInstance(t *testing.T) {
	u := unit()
	u.Instance = "two"
	m := container.Kubernetes()
	content, err := m.Render(u)
	if err != nil || !strings.Contains(string(content), "- key: feedd-two.toml\n                path: \"feedd@two.toml\"\n") {
		t.Errorf("%v in\n%s", err, content)
	}
	if all := strings.Join(m.Warnings(t.Context(), u), "\n"); !strings.Contains(all, "--from-file=feedd-two.toml=feedd@two.toml") {
		t.Error(all)
	}
}

// A path in a volume needs no exception, and none is needed if the root can be written to.
func TestWritablePaths(t *testing.T) {
	for _, m := range managers() {
		u := unit()
		u.Hardening.ReadWritePaths = []string{"/data/feedd/log", "/tmp", "/run/other"}
		if _, err := m.Render(u); err != nil {
			t.Error(err)
		}
		u.Hardening.ReadWritePaths, u.Hardening.ProtectSystem = []string{"/var/log"}, platform.Off
		if _, err := m.Render(u); err != nil {
			t.Error(err)
		}
	}
}

func TestRestartOfCompose(t *testing.T) {
	for want, r := range map[string]platform.Restart{
		`restart: "on-failure:10"`: {}, `restart: on-failure`: {Max: platform.NoLimit}, `restart: always`: {Policy: platform.RestartAlways}, `restart: "no"`: {Policy: platform.RestartNever},
	} {
		u := unit()
		u.Restart = r
		if content, err := container.Compose().Render(u); err != nil || !strings.Contains(string(content), want+"\n") {
			t.Errorf("%v: no %s in\n%s", err, want, content)
		}
	}
}
