package launchd_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"howett.net/plist"

	"github.com/holdfast-dev/holdfast/platform"
)

// readers are XML property list parsers that are independent of ours. Each converts the file
// to another format that shows exactly what it has parsed.
//
// GNUstep's is behind plser. Its plutil has the same parser, but that of Debian 12 (1.28.0)
// cannot open any file. Its XML writer corrupts characters beyond the first plane, hence the
// binary form.
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
		// Our binary reader requires a longer trailer than GNUstep writes.
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

// need skips the test if a reader is missing, unless the readers are required.
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

// check renders u, lets both readers parse the result, and compares that with u.
func check(tb testing.TB, u platform.Unit) {
	tb.Helper()
	content, err := render(u)
	if errors.Is(err, platform.ErrBadUnit) {
		return // refusing is also correct
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

// What must come back exactly, and what must be refused: an XML parser would take
// a CR for a line break, and has no way to write the others at all.
var (
	kept = []string{
		"", " ", "  lead and trail  ", "\t", "]]>", "<![CDATA[x]]>", "&", "&amp;", "&#x0;", "&#13;", "<!-- -->", "<?xml?>", `"'\\`,
		"naïve 日本 𝄞", "\u0080\u0085\u009f", "\u2028\u2029", "\ufffd", "\ue000", "\U0010ffff", "e\u0301",
	}
	refused = []string{
		"\x00", "a\x00b", "\x01", "\x08", "\n", "\r", "a\rb", "\r\n", "\x0b", "\x0c", "\x1b[2J", "\x1f", "\x7f", "\ufeff", "a\ufeff", "\ufffe", "\uffff",
		"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe6\x97", "\xf4\x90\x80\x80",
	}
)

func TestReadersKeep(t *testing.T) {
	need(t)
	u := feedd()
	u.Env = map[string]string{}
	u.Exec = append(u.Exec, kept...)
	for i, text := range kept {
		u.Env["V"+strconv.Itoa(i)] = text
		if text != "" {
			u.Env["K"+text] = strconv.Itoa(i)
		}
	}
	if _, err := render(u); err != nil {
		t.Fatal(err)
	}
	check(t, u)
}

func TestRenderRefusesEachCharacter(t *testing.T) {
	for _, text := range refused {
		for field, spoil := range map[string]func(*platform.Unit){
			"command":           func(u *platform.Unit) { u.Exec = append(u.Exec, text) },
			"reload command":    func(u *platform.Unit) { u.Reload = append(u.Reload, text) },
			"env":               func(u *platform.Unit) { u.Env = map[string]string{"A": text} },
			"working_directory": func(u *platform.Unit) { u.WorkingDirectory = "/" + text },
			"user":              func(u *platform.Unit) { u.User = "a" + text },
			"group":             func(u *platform.Unit) { u.Group = "a" + text },
			"runtime_dir":       func(u *platform.Unit) { u.RuntimeDir = "/" + text },
		} {
			u := feedd()
			spoil(&u)
			if _, err := render(u); !errors.Is(err, platform.ErrBadUnit) || !strings.Contains(err.Error(), field) {
				t.Errorf("%s %q: %v", field, text, err)
			}
			u = feedd()
			u.Env = map[string]string{"A" + text: ""}
			if _, err := render(u); !errors.Is(err, platform.ErrBadUnit) {
				t.Errorf("name of a variable %q: %v", text, err)
			}
		}
	}
}

// For any argv and environment, the round trip is exact or the unit is refused.
func FuzzReaders(f *testing.F) {
	need(f)
	f.Add("a b", "K", "v")
	f.Add(" <string>&lt;]]>\"'\t", "A", "  ")
	f.Add("naïve 日本 𝄞 \u0085\u2028\ufeff", "Ä", "\x7f")
	f.Add("&#x0;%d$(id)`id`", "x y", "\r\n")
	f.Add("\xff\xfe", "", "\x00")
	f.Add("0", "n", "<!-- -->")
	for _, text := range slices.Concat(kept, refused) {
		f.Add(text, "A", "")
		f.Add("", "A", text)
		f.Add("", "A"+text, "x")
	}
	f.Fuzz(func(t *testing.T, arg, name, value string) {
		u := feedd()
		u.Exec = append(u.Exec, arg, "", arg+arg)
		u.Env = map[string]string{name: value, "LAST": arg}
		check(t, u)
	})
}
