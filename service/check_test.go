//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service"
)

// feed is a program's own table.
type feed struct {
	URL     string         `toml:"url" help:"where the feed is"`
	Every   time.Duration  `toml:"every" help:"between two looks"`
	Match   *regexp.Regexp `toml:"match" help:"what is taken"`
	Labels  []string       `toml:"labels" help:"put on each entry"`
	Retries retries        `toml:"retries"`
	Sources []source       `toml:"source" help:"more of them"`
}

type retries struct {
	Max int `toml:"max" help:"most tries"`
}

type source struct {
	Address string `toml:"address"`
	Weight  int    `toml:"weight"`
}

func (f *feed) Validate() error {
	var errs []error
	if f.Every < time.Second {
		errs = append(errs, &service.FieldError{Key: "every", Err: fmt.Errorf("%v is less than a second", f.Every)})
	}
	if f.Retries.Max > 9 {
		errs = append(errs, &service.FieldError{Key: "retries.max", Err: errors.New("more than 9")})
	}
	if f.URL == "" {
		errs = append(errs, errors.New("there is no url"))
	}
	return errors.Join(errs...)
}

// provider is a program with that table.
type provider struct {
	program
	check func(service.Config) error
}

func (p *provider) Tables() map[string]any {
	return map[string]any{"feed": &feed{
		URL: "http://localhost/", Every: time.Minute, Match: regexp.MustCompile(`a"\d`),
		Labels: []string{"x", `y"z`}, Retries: retries{3}, Sources: []source{{"a", 1}},
	}}
}

func (p *provider) Check(_ context.Context, cfg service.Config) error {
	if p.check == nil {
		return nil
	}
	return p.check(cfg)
}

// Issue 10, section 7: a key with one or two wrong letters is recognised, in our tables and in
// the program's. So is a key in the wrong table.
func TestIssue10_7_DidYouMean(t *testing.T) {
	for text, says := range map[string]string{
		"[service]\nstop_timout = '3s'":               `:2: service.stop_timout: unknown: did you mean "stop_timeout"?`,
		"[service]\nstop_tiemout = '3s'":              `did you mean "stop_timeout"?`,
		"[service]\nlog.levle = 'info'":               `did you mean "level"?`,
		"[service.restrat]\nmax = 3":                  `:1: service.restrat: unknown: did you mean "restart"?`,
		"[service]\ndelay = '2s'":                     `did you mean "service.restart.delay"?`,
		"[servcie]\nuser = 'x'":                       `:1: servcie: unknown: did you mean "service"?`,
		"[fed]\nurl = 'x'":                            `did you mean "feed"?`,
		"user = 'x'":                                  `did you mean "service.user"?`,
		"[service]\ncolour = 'red'":                   "unknown: is it misspelt?",
		"[service]\nanme = 'x'":                       `did you mean "name"?`,
		"[feed]\nulr = 'x'":                           `:2: feed.ulr: unknown: did you mean "url"?`,
		"[feed.retries]\nmxa = 2":                     `did you mean "max"?`,
		"[[feed.source]]\naddrress = 'x'":             `did you mean "address"?`,
		"[feed]\nzzz = 2":                             "is it misspelt?",
		"[feed]\nevery = 30":                          `:2: feed.every: a duration needs a unit`,
		"[feed]\nevery = true":                        `:2: feed.every: `,
		"[feed]\n\nurl='x'\nevery = '1ms'":            `:4: feed.every: 1ms is less than a second`,
		"[feed]\nurl = ''":                            `feed: there is no url`,
		"[feed]\nurl = 'x'\n[feed.retries]\nmax = 10": `:4: feed.retries.max: more than 9`,
	} {
		t.Run(text, func(t *testing.T) {
			path := write(t, text+"\n")
			prog := &provider{}
			cfg, err := service.Config{Name: "feedd", File: path}.With(prog)
			if err == nil {
				cfg, err = cfg.Load()
			}
			if err == nil {
				err = service.CheckProgram(t.Context(), cfg, prog)
			}
			if !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), path+":") || !strings.Contains(err.Error(), says) {
				t.Errorf("%v\ndoes not say %s", err, says)
			}
			if n := strings.Count(err.Error(), path); n != 1 {
				t.Errorf("%v\nnames the file %d times", err, n)
			}
		})
	}
}

// All mistakes are reported at once, each with its place, for people and for programs.
func TestIssue10_7_EachFindingHasItsPlace(t *testing.T) {
	path := write(t, "[service]\nuser = 'x'\nstop_timout = '3s'\nafter_ = []\nwatchdog = 7\n")
	_, err := service.Config{Name: "feedd", File: path}.Load()
	var got []string
	for _, e := range service.ConfigErrors(fmt.Errorf("install: %w", err)) {
		got = append(got, fmt.Sprint(e.Line, e.Key))
	}
	if len(got) != 1 { // err wraps it in other text, so it counts as one
		t.Errorf("found %q in what is more than a list", got)
	}
	got = nil
	for _, e := range service.ConfigErrors(err) {
		if e.File != path || !errors.Is(e, service.ErrConfig) || e.Err == nil {
			t.Errorf("%#v", e)
		}
		got = append(got, fmt.Sprint(e.Line, " ", e.Key))
	}
	if want := []string{"3 service.stop_timout", "4 service.after_", "5 service.watchdog"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	_, err = service.Config{Name: "a b", Umask: "9"}.Load()
	if found := service.ConfigErrors(err); len(found) != 2 || found[0].Key != "service.name" || found[1].Key != "service.umask" || found[0].File != "" {
		t.Errorf("of values from code: %v", found)
	}
	plain := errors.New("x")
	if found := service.ConfigErrors(plain); len(found) != 1 || !errors.Is(found[0], plain) || found[0].Error() != "x" {
		t.Errorf("%v", found)
	}
	if found := service.ConfigErrors(nil); found != nil {
		t.Errorf("%v", found)
	}
}

// A program can reject a configuration before its start. It is asked only about a valid
// configuration, and its panic is an error.
func TestIssue10_7_AProgramChecksItsOwn(t *testing.T) {
	asked := 0
	prog := &provider{check: func(cfg service.Config) error {
		asked++
		f := feed{URL: "http://x", Every: time.Minute}
		if err := cfg.DecodeTable("feed", &f); err != nil {
			return err
		}
		if f.URL == "ftp://x" {
			return errors.New("no such protocol")
		}
		panic("what is that?")
	}}
	check := func(text string) error {
		cfg, err := service.Config{Name: "feedd", File: write(t, text)}.With(prog)
		if err == nil {
			cfg, err = cfg.Load()
		}
		if err != nil {
			t.Fatal(err)
		}
		return service.CheckProgram(t.Context(), cfg, prog)
	}
	if err := check("[feed]\nurl = 'ftp://x'\nevery = '2s'\n"); err == nil || err.Error() != "bad configuration: no such protocol" {
		t.Error(err)
	}
	var panicked *service.PanicError
	if err := check("[feed]\nurl = 'http://x'\nevery = '2s'\n"); !errors.As(err, &panicked) || panicked.In != "Check" {
		t.Error(err)
	}
	if err := check("[feed]\nulr = 'ftp://x'\n"); !errors.Is(err, service.ErrConfig) || asked != 2 {
		t.Errorf("%v; asked %d times, want 2", err, asked)
	}
	if err := service.CheckProgram(t.Context(), service.Config{Name: "feedd"}, prog); !errors.As(err, &panicked) {
		t.Errorf("without a file the defaults are what is checked: %v", err)
	}
	if err := service.CheckProgram(t.Context(), service.Config{Name: "feedd"}, &program{}); err != nil {
		t.Error(err)
	}
}

// A misfit provides a table that cannot be decoded into.
type misfit struct{ program }

func (*misfit) Tables() map[string]any { return map[string]any{"feed": feed{}} }

func TestProvidedTablesAreDeclared(t *testing.T) {
	path := write(t, "[feed]\nurl = 'x'\n[more]\n")
	cfg, err := service.Config{Name: "feedd", File: path, Tables: []string{"more"}}.With(&provider{})
	if err == nil {
		cfg, err = cfg.Load()
	}
	if err != nil || !slices.Equal(cfg.Tables, []string{"feed", "more"}) {
		t.Errorf("%q, %v", cfg.Tables, err)
	}
	loaded, err := service.Config{Name: "feedd"}.Load()
	if err == nil {
		loaded.File = path
		loaded, err = loaded.With(&provider{})
	}
	if err != nil || !slices.Equal(loaded.Tables, []string{"feed"}) {
		t.Errorf("%q, %v", loaded.Tables, err)
	}
	if _, err := (service.Config{Name: "feedd"}).With(&misfit{}); !errors.Is(err, service.ErrConfig) || !strings.Contains(err.Error(), `"feed"`) {
		t.Error(err)
	}
}
