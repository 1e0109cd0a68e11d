package metrics_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/metrics"
)

func TestSettings(t *testing.T) {
	for text, wrong := range map[string]string{
		"":                                        "",
		`listen = "127.0.0.1:9100"`:               "",
		`listen = "tcp:127.0.0.1:0"`:              "",
		`listen = "[::1]:9100"`:                   "",
		`listen = "localhost:9100"`:               "",
		`listen = "127.1.2.3:9100"`:               "",
		`listen = "[::ffff:127.0.0.1]:9100"`:      "",
		`listen = "unix:/run/feedd/m.sock"`:       "",
		`listen = ":9100"`:                        "allow_remote",
		`listen = "0.0.0.0:9100"`:                 "allow_remote",
		`listen = "[::]:9100"`:                    "allow_remote",
		`listen = "192.0.2.1:9100"`:               "allow_remote",
		`listen = "localhost.evil:1"`:             "allow_remote",
		`listen = "127.0.0.1.evil:1"`:             "allow_remote",
		"listen = \":9100\"\nallow_remote = true": "",
		`listen = "9100"`:                         "neither HOST:PORT",
		`listen = "127.0.0.1"`:                    "neither HOST:PORT",
		`listen = "127.0.0.1:http"`:               "port",
		`listen = "127.0.0.1:70000"`:              "port",
		`listen = "unix:m.sock"`:                  "absolute",
		`listen = "unix:"`:                        "absolute",
		`socket_mode = "999"`:                     "octal",
		`socket_mode = "1777"`:                    "octal",
		`textfile = "feedd.prom"`:                 "absolute",
		`textfile = "/var/lib/x.txt"`:             ".prom",
		`textfile = "/var/lib/x.prom"`:            "",
		`textfile_mode = ""`:                      "octal",
		`textfile_interval = "1ms"`:               "too short",
		`textfile_interval = "-1s"`:               "too short",
		`textfile_interval = 15`:                  "unit",
		`lisen = ":9100"`:                         "did you mean",
	} {
		path := filepath.Join(t.TempDir(), "feedd.toml")
		if err := os.WriteFile(path, []byte("[service.metrics]\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := service.Config{Name: "feedd", File: path, Extensions: []service.Extension{metrics.New()}}.Load()
		switch {
		case wrong == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case wrong != "" && (!errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), ":2: service.metrics.") || !strings.Contains(err.Error(), wrong)):
			t.Errorf("%s: %v, want %q", text, err, wrong)
		}
	}
}

// Only a listener that other machines can reach answers the probes of what runs containers.
func TestProbes(t *testing.T) {
	for listen, want := range map[string]string{
		"": "", `listen = ":9100"` + "\nallow_remote = true": ":9100", `listen = "tcp:0.0.0.0:9100"` + "\nallow_remote = true": "0.0.0.0:9100",
		`listen = "127.0.0.1:9100"`: "", `listen = "localhost:9100"` + "\nallow_remote = true": "", `listen = "unix:/run/feedd/m.sock"`: "",
	} {
		path := filepath.Join(t.TempDir(), "feedd.toml")
		if err := os.WriteFile(path, []byte("[service.metrics]\n"+listen+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := service.Config{Name: "feedd", File: path, Extensions: []service.Extension{metrics.New()}}.Load()
		if err != nil {
			t.Fatal(err)
		}
		if u, err := cfg.Unit("/feedd", platform.ScopeSystem); err != nil || u.Probes != want {
			t.Errorf("%s: %v: probes are answered at %q, want %q", listen, err, u.Probes, want)
		}
	}
}

// The page for operators has every key with its default.
func TestTheKeysAreOnThePageForOperators(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, defaults := metrics.New().Table()
	v := reflect.ValueOf(defaults).Elem()
	for i := range v.NumField() {
		def := "none"
		switch value := v.Field(i).Interface().(type) {
		case string:
			if value != "" {
				def = fmt.Sprintf("`%q`", value)
			}
		case time.Duration:
			def = fmt.Sprintf("`%q`", value)
		default:
			def = fmt.Sprintf("`%v`", value)
		}
		if row := fmt.Sprintf("| `%s` | %s |", v.Type().Field(i).Tag.Get("toml"), def); !strings.Contains(string(page), row) {
			t.Errorf("docs/operating.md has no row %s", row)
		}
	}
}
