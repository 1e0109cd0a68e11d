//go:build linux || darwin || windows

package service_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// Issue 10, section 7: the sample configuration changes nothing, even with every key
// uncommented.
func TestIssue10_7_SampleRoundTrips(t *testing.T) {
	core := uint64(7)
	for name, cfg := range map[string]service.Config{
		"defaults": {Name: "feedd"},
		"the code's values": {
			Name: "feedd", Description: "feeds \"all\" \\ of them", Args: []string{"-x", `a "b"`, "\ta\x01"}, Env: map[string]string{"A.b": "1", "C": `"`},
			Watchdog: 90 * time.Minute, Supervise: true, Umask: "0077", User: "nobody", StopTimeout: time.Hour,
			Restart: service.Restart{Max: -1}, Limits: service.Limits{Memory: 1 << 30, Core: &core, Nice: -3},
			Hardening: service.Hardening{PrivateTmp: service.Off, Capabilities: []string{"CAP_CHOWN"}},
			Log:       logsink.Options{Level: "debug"}, Launchd: service.Launchd{Extra: map[string]any{"Nice": int64(3), "List": []any{"a"}}},
			Windows: service.Windows{Start: platform.WindowsManual},
		},
	} {
		t.Run(name, func(t *testing.T) {
			prog := &provider{}
			var b strings.Builder
			if err := service.WriteSample(&b, cfg, prog); err != nil {
				t.Fatal(err)
			}
			sample := b.String()
			for _, key := range service.Keys() {
				if last := key.Name[strings.LastIndexByte(key.Name, '.')+1:]; !strings.Contains(sample, "\n#"+last+" = ") && !strings.Contains(sample, "\n# "+last+" = ") {
					t.Errorf("there is no %s in it", key.Name)
				}
				if !strings.Contains(sample, "\n# "+key.Meaning+"\n") {
					t.Errorf("it does not say what %s means", key.Name)
				}
			}
			cfg, err := cfg.With(prog)
			if err != nil {
				t.Fatal(err)
			}
			without, err := cfg.Load()
			if err != nil {
				t.Fatal(err)
			}
			uncommented := regexp.MustCompile(`(?m)^#(\w)`).ReplaceAllString(sample, "$1")
			for what, text := range map[string]string{"as it is": sample, "uncommented": uncommented} {
				cfg.File = write(t, text)
				with, err := cfg.Load()
				if err != nil {
					t.Fatalf("%s: %v\n%s", what, err, text)
				}
				if a, b := says(t, with), says(t, without); a != b {
					t.Errorf("%s it says\n%s\nand without a file it is\n%s", what, a, b)
				}
				f := prog.Tables()["feed"].(*feed)
				before := prog.Tables()["feed"].(*feed)
				if err := with.DecodeTable("feed", f); err != nil {
					t.Fatalf("%s: %v\n%s", what, err, text)
				}
				if f.Match.String() != before.Match.String() {
					t.Errorf("%s match is %s", what, f.Match)
				}
				f.Match = before.Match
				if !reflect.DeepEqual(f, before) {
					t.Errorf("%s the program's table is\n%+v\nand without a file\n%+v", what, f, before)
				}
			}
		})
	}
}

// says returns the effective settings of a configuration.
func says(t *testing.T, c service.Config) string {
	t.Helper()
	c.File = ""
	var b strings.Builder
	if c.Log.Sink == "" { // the zero of logsink stands for its defaults
		level := c.Log.Level
		c.Log = logsink.Defaults()
		if level != "" {
			c.Log.Level = level
		}
	}
	show(&b, reflect.ValueOf(c))
	return b.String()
}

func show(b *strings.Builder, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if tag := field.Tag.Get("toml"); !field.IsExported() || tag == "-" {
			continue
		}
		f := v.Field(i)
		switch {
		case f.Kind() == reflect.Struct:
			show(b, f)
		case f.Kind() == reflect.Pointer && !f.IsNil():
			fmt.Fprintln(b, field.Name, f.Elem())
		case (f.Kind() == reflect.Slice || f.Kind() == reflect.Map) && f.Len() == 0:
		default:
			fmt.Fprintln(b, field.Name, f)
		}
	}
}
