package shell_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// shells returns the shells of this machine, which decide about quoting.
func shells(t testing.TB) [][]string {
	t.Helper()
	var found [][]string
	for _, argv := range [][]string{{"dash"}, {"bash"}, {"busybox", "sh"}, {"sh"}} {
		if path, err := exec.LookPath(argv[0]); err == nil {
			found = append(found, append([]string{path}, argv[1:]...))
		}
	}
	if len(found) == 0 {
		t.Skip("no shell on this machine")
	}
	return found
}

// roundTrip lets a shell print words, and compares them.
func roundTrip(t testing.TB, sh, argv []string) {
	t.Helper()
	script := "printf '%s\\000' x " + shell.Words(argv) + "\n"
	cmd := exec.Command(sh[0], append(sh[1:], "-c", script)...)
	cmd.Dir = t.TempDir()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %q", sh, err, argv)
	}
	got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")[1:]
	if strings.Join(got, "\x00") != strings.Join(argv, "\x00") {
		t.Errorf("%s: got %q, want %q", sh, got, argv)
	}
}

func TestWords(t *testing.T) {
	argv := []string{
		"", " ", "a b", "'", "''", "it's", `"`, `\`, `\'`, "$HOME", "${HOME}", "$(touch x)", "`touch x`", ";", "a;touch x", "\n", "a\nb",
		"*", "?", "~", "#", "-x", "--", "&", "|", "<", ">", "!", "\t", "\r", "\x01", "naïve", "日本", "\u0081\u0088", "%s", "=",
	}
	for _, sh := range shells(t) {
		roundTrip(t, sh, argv)
	}
}

func FuzzWords(f *testing.F) {
	f.Add("it's", "$(touch x)")
	sh := shells(f)
	f.Fuzz(func(t *testing.T, a, b string) {
		if shell.CheckWord(a) != nil || shell.CheckWord(b) != nil || len(a)+len(b) > 1000 {
			return
		}
		for _, s := range sh {
			roundTrip(t, s, []string{a, b})
		}
	})
}

func TestChecks(t *testing.T) {
	for _, tt := range []struct {
		check func(string) error
		name  string
		good  []string
		bad   []string
	}{
		{shell.CheckWord, "word", []string{"", "a\nb", "日本"}, []string{"a\x00b", "\xff"}},
		{shell.CheckLine, "line", []string{"", "a b"}, []string{"a\nb", "\r", "\x1b[1m", "\x00", "\xff"}},
		{shell.CheckVariable, "variable", []string{"A", "_", "a1", "PATH", "http_proxy"}, []string{"", "1A", "A-B", "A B", "A=B", "é", "PPID", "UID", "A\n"}},
		{shell.CheckAccount, "account", []string{"feed", "1000", "_x", "a.b", "u@dom"}, []string{"", "-x", "a b", "a:b", "a,b", "$(id)", ".", "é"}},
	} {
		for _, s := range tt.good {
			if err := tt.check(s); err != nil {
				t.Errorf("%s %q: %v", tt.name, s, err)
			}
		}
		for _, s := range tt.bad {
			if tt.check(s) == nil {
				t.Errorf("%s %q is accepted", tt.name, s)
			}
		}
	}
}

// Every shell can export every accepted name.
func TestVariablesCanBeExported(t *testing.T) {
	for _, sh := range shells(t) {
		for _, name := range []string{"A", "_a", "http_proxy", "IFS", "PS4", "ENV", "HOME", "MAIL", "OPTARG", "status", "command", "pid"} {
			if err := shell.CheckVariable(name); err != nil {
				t.Fatal(err)
			}
			script := name + "=" + shell.Quote("it's 1") + "\nexport " + name + "\nexec env"
			out, err := exec.Command(sh[0], append(sh[1:], "-c", script)...).Output()
			if err != nil || !bytes.Contains(out, []byte(name+"=it's 1\n")) {
				t.Errorf("%s: %s is not exported: %v", sh, name, err)
			}
		}
	}
}
