package etcd_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

// load loads a configuration with these lines in [service.cluster].
func load(t *testing.T, lines string) (service.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db.toml")
	must(t, os.WriteFile(path, []byte("[service]\nstop_timeout = \"5s\"\n[service.cluster]\n"+lines), 0o600))
	return service.Config{Name: "db", File: path, Cluster: etcd.New()}.Load()
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	const ends = "endpoints = [\"https://10.0.0.1:2379\"]\n"
	for lines, want := range map[string]string{
		"":                                                        "service.cluster.endpoints: it is required",
		"endpoints = [\"10.0.0.1:2379\"]":                         "no URL like https://HOST:2379",
		"endpoints = [\"https://10.0.0.1\"]":                      "no URL like https://HOST:2379",
		"endpoints = [\"unix:///run/etcd\"]":                      "no URL like https://HOST:2379",
		"endpoints = [\"https://u:p@h:2379\"]":                    "no URL like https://HOST:2379",
		"endpoints = [\"https://a:1\", \"http://b:1\"]":           "some are https and some http",
		"endpoints = [\"http://a:1\"]\nca_file = \"/etc/ca.pem\"": "service.cluster.ca_file: the endpoints are http",
		ends + "ca_file = \"ca.pem\"":                             "\"ca.pem\" is not an absolute path",
		ends + "cert_file = \"/etc/c.pem\"":                       "cert_file and key_file need each other",
		ends + "user = \"db\"":                                    "user and password_file need each other",
		ends + "ttl = \"14500ms\"":                                "etcd counts whole seconds",
		ends + "ttl = \"13s\"":                                    "too short for a stop_timeout of 5s",
		ends + "name = \"a/b\"":                                   "service.cluster.name: \"a/b\"",
		ends + "password = \"x\"":                                 "password",
		ends + "on_lost = \"panic\"":                              "on_lost",
	} {
		_, err := load(t, lines)
		if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\tgives %v\n\twant %s", lines, err, want)
		} else if strings.Contains(err.Error(), "u:p@") {
			t.Errorf("a password is shown: %v", err)
		}
	}
}

// elect calls Elect as a life does.
func elect(t *testing.T, lines string) error {
	t.Helper()
	_, err := etcd.New().Elect(t.Context(), service.Candidate{Name: "db@m1", Told: func(string) {}}, settings(t, lines))
	return err
}

// settings decodes the table with these lines.
func settings(t *testing.T, lines string) any {
	t.Helper()
	s := etcd.New().Defaults()
	path := filepath.Join(t.TempDir(), "db.toml")
	must(t, os.WriteFile(path, []byte("[cluster]\nname = \"db\"\nttl = \"10s\"\n"+lines), 0o600))
	must(t, service.DecodeTable(path, "cluster", s))
	return s
}

func TestPasswordThatOthersCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	lines := "endpoints = [\"http://127.0.0.1:2379\"]\nuser = \"db\"\npassword_file = \"" + path + "\"\n"
	if err := elect(t, lines); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a password that is missing: %v", err)
	}
	must(t, os.WriteFile(path, []byte("hunter2\n"), 0o644))
	err := elect(t, lines)
	if !errors.Is(err, files.ErrUntrusted) || !strings.HasPrefix(err.Error(), "cluster.password_file: "+path) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password that others can read: %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	must(t, elect(t, lines))
	must(t, os.WriteFile(path, []byte("two\nlines\n"), 0o600))
	if err := elect(t, lines); !errors.Is(err, files.ErrMalformed) {
		t.Errorf("a password of two lines: %v", err)
	}
}

// A password that goes over a network without TLS is warned of.
func TestAPasswordWithoutTLSIsWarnedOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(path, []byte("hunter2\n"), 0o600))
	for endpoints, warned := range map[string]bool{
		"'http://10.0.0.1:2379'": true, "'http://127.0.0.1:2379', 'http://etcd.example:2379'": true,
		"'https://10.0.0.1:2379'": false, "'http://127.0.0.1:2379', 'http://[::1]:2379', 'http://localhost:2379'": false,
	} {
		var log strings.Builder
		e, err := etcd.New().Elect(t.Context(), service.Candidate{Name: "db@m1", Log: slog.New(slog.NewTextHandler(&log, nil)), Told: func(string) {}},
			settings(t, "endpoints = ["+endpoints+"]\nuser = \"db\"\npassword_file = \""+path+"\"\n"))
		must(t, err)
		if got := strings.Contains(log.String(), "without TLS"); e == nil || got != warned || strings.Contains(log.String(), "hunter2") {
			t.Errorf("%s: the log is %q", endpoints, log.String())
		}
	}
}

// Plans and settings name the file of the password, and do not show its content.
func TestPasswordIsShownNowhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(path, []byte("hunter2\n"), 0o600))
	cfg, err := load(t, "endpoints = [\"https://10.0.0.1:2379\"]\nuser = \"db\"\npassword_file = \""+path+"\"\n")
	must(t, err)
	all, err := cfg.InForce(nil)
	must(t, err)
	shown := ""
	for _, s := range all {
		shown += s.String() + "\n"
	}
	if !strings.Contains(shown, path) || strings.Contains(shown, "hunter2") {
		t.Errorf("the settings are shown as\n%s", shown)
	}
}
