package service_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// An extension has a table of its own.
type extension struct {
	name   string // empty: "beacon"
	table  any    // nil: a *beacon
	attach func(context.Context, *service.Runtime, any) error
}

type beacon struct {
	Listen string        `toml:"listen" show:"true" help:"where"`
	Secret string        `toml:"secret" help:"what nobody sees"`
	Every  time.Duration `toml:"every" show:"true" help:"how often"`
}

func (b *beacon) Validate() error {
	if b.Listen == "everywhere" {
		return &service.FieldError{Key: "listen", Err: errors.New("is too much")}
	}
	return nil
}

func (e *extension) Table() (string, any) {
	name, table := e.name, e.table
	if name == "" {
		name = "beacon"
	}
	if table == nil {
		table = &beacon{Every: time.Minute}
	}
	return name, table
}

func (e *extension) Attach(ctx context.Context, rt *service.Runtime, table any) error {
	if e.attach == nil {
		return nil
	}
	return e.attach(ctx, rt, table)
}

func extended(file string, e ...service.Extension) service.Config {
	return service.Config{Name: "feedd", File: file, Extensions: e}
}

// The table of an extension belongs to holdfast: a mistake in it makes Load fail, with its
// line.
func TestTheTableOfAnExtensionIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "",
		"[service.beacon]\nlisten = \"here\"\n": "",
		"[service.beacon]\nlisen = \"here\"\n":  `:2: service.beacon.lisen: unknown: did you mean "listen"?`,
		"[service.beacon]\nevery = 3\n":         `:2: service.beacon.every: a duration needs a unit`,
		"[service.beacon]\nevery = \"soon\"\n":  `invalid duration: "soon"`,
		"[service]\numask = \"0027\"\n[service.beacon]\nlisten = \"everywhere\"\n": ":4: service.beacon.listen: is too much",
		"[service.beacons]\nlisten = \"here\"\n":                                   ":1: service.beacons: unknown",
		"[service]\nbeacon = 3\n":                                                  "beacon",
		"[beacon]\nlisten = \"here\"\n":                                            "beacon: unknown",
	} {
		_, err := extended(write(t, text), &extension{}).Load()
		if want == "" && err != nil || want != "" && (!errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := extended(write(t, "[service.beacon]\n")).Load(); !errors.Is(err, service.ErrConfig) {
		t.Errorf("without the extension nobody knows its table: %v", err)
	}
	// The hint is not about a typing error, but about the line that the program lacks.
	for _, text := range []string{"[service.metrics]\nlisten = \"127.0.0.1:9\"\n", "[service]\nmetrics = { listen = \"x\" }\n"} {
		_, err := extended(write(t, text)).Load()
		if want := ": unknown: this program does not use package service/metrics"; err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "misspelt") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for name, e := range map[string][]service.Extension{
		"not a pointer":   {&extension{table: beacon{}}},
		"there already":   {&extension{}, &extension{}},
		"a table of ours": {&extension{name: "restart"}},
		"a key of ours":   {&extension{name: "umask"}},
	} {
		for _, file := range []string{"", write(t, "")} {
			if _, err := extended(file, e...).Load(); !errors.Is(err, service.ErrConfig) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// The settings of an extension are shown and compared like all others. They belong to the
// process: no service definition has them.
func TestTheTableOfAnExtensionIsInForceFromTheNextStartOn(t *testing.T) {
	path := write(t, "[service.beacon]\nlisten = \"here\"\nsecret = \"s\"\n")
	cfg, err := extended(path, &extension{}).Load()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := extended("", &extension{}).Load()
	if err != nil {
		t.Fatal(err)
	}
	if keys := service.Differing(cfg.Settings(), plain.Settings()); !slices.Equal(keys, []string{"beacon.listen", "beacon.secret"}) {
		t.Errorf("other than the defaults: %q", keys)
	}
	if by := service.Takes("systemd", "system", "beacon.listen"); by != service.TakenByRestart {
		t.Errorf("brought into force by %q", by)
	}
	all, err := cfg.InForce(nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]service.Setting{}
	for _, s := range all {
		found[s.Key] = s
	}
	for _, want := range []service.Setting{
		{Key: "service.beacon.listen", Value: `"here"`, From: path + ":2"},
		{Key: "service.beacon.secret", Hidden: true, From: path + ":3"},
		{Key: "service.beacon.every", Value: `"1m"`, From: "default"},
	} {
		if got := found[want.Key]; got != want {
			t.Errorf("shown is %+v, want %+v", got, want)
		}
	}
	var sample bytes.Buffer
	if err := service.WriteSample(&sample, cfg, nil); err != nil || !strings.Contains(sample.String(), "\n[service.beacon]\n# where\n#listen = \"\"\n") {
		t.Errorf("%v\n%s", err, sample.String())
	}
}
