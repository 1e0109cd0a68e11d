package launchd_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
)

// readers are XML property list parsers that have nothing to do with ours. Each
// turns the file into another format that says exactly what it understood.
//
// GNUstep's is behind plser; its plutil has the same parser, but that of Debian
// 12 (1.28.0) cannot open any file. Its XML writer breaks characters beyond the
// first plane, hence the binary form.
var readers = map[string]func(tb testing.TB, file string) []byte{
	"libplist": func(tb testing.TB, file string) []byte {
		tb.Helper()
		return output(tb, "plistutil", "-i", file, "-f", "bin")
	},
	"GNUstep": func(tb testing.TB, file string) []byte {
		tb.Helper()
		understood := filepath.Join(tb.TempDir(), "understood")
		if err := os.WriteFile(understood, output(tb, "plser", "-Format", "NSPropertyListBinaryFormat_v1_0", file), 0o600); err != nil {
			tb.Fatal(err)
		}
		// Our binary reader wants a longer trailer than GNUstep writes.
		return output(tb, "plistutil", "-i", understood, "-f", "xml")
	},
}

func output(tb testing.TB, argv ...string) []byte {
	tb.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			tb.Fatalf("%q: %v: %s", argv, err, exit.Stderr)
		}
		tb.Fatal(err)
	}
	return out
}

// need skips where a reader is missing, unless the run is to prove something.
func need(tb testing.TB) {
	tb.Helper()
	for program, pkg := range map[string]string{"plistutil": "libplist-utils", "plser": "gnustep-base-runtime"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("HOLDFAST_PLIST_READERS") == "require" {
				tb.Fatal(err)
			}
			tb.Skipf("%v: install %s (scripts/test.sh does, as root on Debian)", err, pkg)
		}
	}
}

// check has both readers read what was rendered of u, and compares it with u.
func check(tb testing.TB, u platform.Unit) {
	tb.Helper()
	content, err := render(u)
	if errors.Is(err, platform.ErrBadUnit) {
		return // refused is as good
	} else if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "job.plist")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	for name, read := range readers {
		var got struct {
			Label, WorkingDirectory, UserName string
			ProgramArguments                  []string
			EnvironmentVariables              map[string]string
			Umask, ExitTimeOut                int
			KeepAlive                         map[string]bool
		}
		if _, err := plist.Unmarshal(read(tb, file), &got); err != nil {
			tb.Fatal(err)
		}
		for key, value := range u.Env {
			if got.EnvironmentVariables[key] != value {
				tb.Errorf("%s: variable %q is %q, want %q", name, key, got.EnvironmentVariables[key], value)
			}
		}
		if !slices.Equal(got.ProgramArguments, u.Exec) {
			tb.Errorf("%s: argv %q, want %q", name, got.ProgramArguments, u.Exec)
		}
		if got.Label != u.ID.String() || got.WorkingDirectory != u.WorkingDirectory || got.UserName != u.User || got.ExitTimeOut != 40 {
			tb.Errorf("%s: understood %+v", name, got)
		}
		if want := map[string]bool{"SuccessfulExit": false}; !maps.Equal(got.KeepAlive, want) {
			tb.Errorf("%s: KeepAlive %v", name, got.KeepAlive)
		}
	}
}

func TestReaders(t *testing.T) {
	need(t)
	for name, u := range map[string]platform.Unit{"defaults": feedd(), "everything": everything(), "user": ofUser()} {
		t.Run(name, func(t *testing.T) { check(t, u) })
	}
}

// Exact round trip or a refusal, for any argv and environment.
func FuzzReaders(f *testing.F) {
	need(f)
	f.Add("a b", "K", "v")
	f.Add(" <string>&lt;]]>\"'\t", "A", "  ")
	f.Add("naïve 日本 𝄞 \u0085\u2028\ufeff", "Ä", "\x7f")
	f.Add("&#x0;%d$(id)`id`", "x y", "\r\n")
	f.Add("\xff\xfe", "", "\x00")
	f.Add("0", "n", "<!-- -->")
	f.Fuzz(func(t *testing.T, arg, name, value string) {
		u := feedd()
		u.Exec = append(u.Exec, arg, "", arg+arg)
		u.Env = map[string]string{name: value, "LAST": arg}
		check(t, u)
	})
}
