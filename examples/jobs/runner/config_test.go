package runner_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	jobs "github.com/holdfast-dev/holdfast/examples/jobs/runner"
	"github.com/holdfast-dev/holdfast/service"
)

func load(t *testing.T, path string) error {
	t.Helper()
	cfg, err := jobs.Description("test").With(new(jobs.Program))
	if err != nil {
		t.Fatal(err)
	}
	cfg.File = path
	if _, err := cfg.Load(); err != nil {
		return err
	}
	var own jobs.Config
	return service.DecodeTable(path, "jobs", &own)
}

// The example has every key and is valid.
func TestExampleConfiguration(t *testing.T) {
	if err := load(t, "../jobs.toml"); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile("../jobs.toml")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n[jobs]\n")
	for _, typ := range []reflect.Type{reflect.TypeFor[jobs.Config](), reflect.TypeFor[jobs.Job]()} {
		for field := range typ.Fields() {
			if key := field.Tag.Get("toml"); key != "job" && !strings.Contains(table, "\n"+key+" = ") {
				t.Errorf("%s is not in the example", key)
			}
		}
	}
}

func TestWhatIsWrongInTheTableIsNamed(t *testing.T) {
	const good = "[jobs]\nlease = '30s'\nmax_running = 8\nmax_crashes = 5\nkeep = 1\n[[jobs.job]]\nname = 'a'\ncommand = ['x']\n"
	path := filepath.Join(t.TempDir(), "config.toml")
	cases := []struct{ text, says string }{
		{strings.Replace(good, "lease = '30s'", "listen = '0.0.0.0:80'", 1), "only addresses of this machine"},
		{strings.Replace(good, "lease = '30s'", "listen = '192.0.2.1:80'", 1), "only addresses of this machine"},
		{strings.Replace(good, "lease = '30s'", "listen = ':80'", 1), "listen"},
		{good[:7] + "listen = '192.0.2.1:80'\ntoken_file = '/t'\n" + good[7:], "cert_file"},
		{good[:7] + "listen = '192.0.2.1:80'\ntoken_file = '/t'\ncert_file = '/c'\n" + good[7:], "need each other"},
		{good[:7] + "listen = '192.0.2.1:80'\ntoken_file = '/t'\ncert_file = '/c'\nkey_file = '/k'\n" + good[7:], ""},
		{strings.Replace(good, "'30s'", "'-1s'", 1), "negative"},
		{strings.Replace(good, "'30s'", "'10ms'", 1), "less than a second"},
		{strings.Replace(good, "max_running = 8", "max_running = 0", 1), "at least 1"},
		{good + "[[jobs.job]]\nname = 'a'\ncommand = ['x']\n", `"a" occurs twice`},
		{strings.Replace(good, "'a'", "'../a'", 1), "letters"},
		{strings.Replace(good, "command = ['x']", "", 1), "command: missing"},
		{good + "schedule = '* * *'\n", "3 fields"},
		{good + "schedule = '0 0 30 2 *'\n", "never occurs"},
		{good + "catch_up = 'some'\n", "not one of"},
		{good + "overlap = 'wait'\n", "not one of"},
		{good + "retires = 3\n", "retires"},
		{good + "timeout = 'soon'\n", "soon"},
	}
	for _, c := range append(cases, struct{ text, says string }{good, ""}) {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		switch err := load(t, path); {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", strconv.Quote(c.text), err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, want %q", strconv.Quote(c.text), err, c.says)
		}
	}
}

func TestRetriesWaitTwiceAsLongEachTime(t *testing.T) {
	for failures, want := range map[int]string{1: "10s", 2: "20s", 5: "2m40s", 60: "1h0m0s"} {
		if got := jobs.Pause("10s", failures).String(); got != want {
			t.Errorf("after %d failures %s, want %s", failures, got, want)
		}
	}
}

// Output is kept as long as the journal knows its run.
func TestOutputIsRemovedWithItsRun(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1", "2", "12", "notes"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := jobs.Sweep(dir, func(id uint64) bool { return id == 2 }); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 2 || all[0].Name() != "2" || all[1].Name() != "notes" {
		t.Errorf("%v, %v", all, err)
	}
}
