//go:build unix

package main_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	shipper "github.com/holdfast-dev/holdfast/examples/shipper"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// runOnce runs a life that is expected to fail at its start.
func (b *bed) runOnce() error {
	cfg := shipper.Description()
	cfg.File, cfg.RuntimeDir, cfg.StateDir = b.path("config.toml"), b.path("run"), b.path("state")
	cfg.Log = logsink.Options{File: b.path("log")}
	return service.Run(b.t.Context(), cfg, new(shipper.Program))
}

func TestStartRefusals(t *testing.T) {
	cases := map[string]struct {
		drive func(b *bed)
		code  int
		says  string
	}{
		"no table": {
			func(b *bed) { b.write("config.toml", "") }, platform.ExitBadConfig, `shipper.output: missing`,
		},
		"a misspelt table": {
			func(b *bed) { b.write("config.toml", "[shiper]") }, platform.ExitBadConfig, "shiper",
		},
		"an output without a directory": {
			func(b *bed) { b.must(os.Remove(b.path("out"))) }, platform.ExitBadConfig, "create the directory first",
		},
		"an output that is a link": {
			func(b *bed) { b.must(os.Symlink("/etc/passwd", b.path("out/all"))) }, platform.ExitBadConfig, "symbolic link",
		},
		"an output among the inputs": {
			func(b *bed) {
				b.write("config.toml", "[shipper]\ninputs = ['"+b.path("*/all")+"']\noutput = '"+b.path("out/all")+"'")
			}, platform.ExitBadConfig, "would be shipped into itself",
		},
		"a damaged checkpoint": {
			func(b *bed) {
				b.must(os.Mkdir(b.path("state"), 0o700))
				b.write("state/shipper.checkpoint.json", "{")
			}, platform.ExitFailed, "checkpoint is damaged",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			c.drive(b)
			err := b.runOnce()
			if code := service.ExitCode(err); code != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("exit code %d, %v; want %d and %q", code, err, c.code, c.says)
			}
		})
	}
}

func (b *bed) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// The example has every key and is valid.
func TestExampleConfiguration(t *testing.T) {
	text, err := os.ReadFile("shipper.toml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := shipper.Description().With(new(shipper.Program))
	if err != nil {
		t.Fatal(err)
	}
	cfg.File = "shipper.toml"
	if _, err := cfg.Load(); err != nil {
		t.Error(err)
	}
	var own shipper.Config
	if err := service.DecodeTable(cfg.File, "shipper", &own); err != nil {
		t.Error(err)
	}
	_, table, _ := strings.Cut(string(text), "\n[shipper]\n")
	for field := range reflect.TypeFor[shipper.Config]().Fields() {
		if key := field.Tag.Get("toml"); !strings.Contains(table, "\n"+key+" = ") {
			t.Errorf("%s is not in the example", key)
		}
	}
}

func TestHealth(t *testing.T) {
	if err := shipper.HealthAfter(shipper.StuckAfter / 2); err != nil {
		t.Error(err)
	}
	if err := shipper.HealthAfter(2 * shipper.StuckAfter); err == nil || errors.Is(err, service.ErrUnhealthy) {
		t.Errorf("a loop that stands still: %v", err)
	}
}
