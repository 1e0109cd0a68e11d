package systemd_test

import (
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// seeds are values that quoting often gets wrong.
var seeds = []string{
	"", " ", "a b", " lead", "trail ", "\t", "\n", "a\nExecStart=/bin/evil", "\r", "\x01", "\x7f", "\x00", "\xff", "\u0085", "\u2028", "naïve",
	`"`, `'`, `\`, `\\`, `\"`, `\n`, `\x20`, `a\`, `"a b"`, `'a b'`, "`id`", "$(id)", "%", "%%", "%n", "%%n", "100%", "$", "$$", "$HOME", "${HOME}",
	"a$HOME", "a${HOME}b", "$$HOME", ";", ";;", "; ", "a;b", "#", "# c", "-", "--", "-x=y", "@", "!", "+", ":", "|", "~", "*", "?", "[x]", "[Service]", "=",
	"a=b", "/", "//", "/a", "/a b", "/a/../b", "/a/./b", "/a/", "/%n", "/$HOME", "/a$$b", "/a${b}", "/a$b", `/a\b`, `/a"b`, `/a'b`, "/naïve", "/a;b", "/a;",
}

// render returns the settings of the unit as systemd would read them.
func render(t *testing.T, u platform.Unit) ([]setting, error) {
	t.Helper()
	file, err := systemd.Render(u, 257)
	if err != nil {
		return nil, err
	}
	settings, err := readUnit(string(file))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, file)
	}
	return settings, nil
}

// values returns the values of one key. If a value could inject another key, the number of
// settings would differ from that of the harmless unit.
func values(t *testing.T, settings []setting, key string, more int) []string {
	t.Helper()
	plainSettings, err := render(t, plain())
	if err != nil {
		t.Fatal(err)
	}
	if len(settings) != len(plainSettings)+more {
		t.Fatalf("%d settings, want %d: %q", len(settings), len(plainSettings)+more, settings)
	}
	var found []string
	for _, s := range settings {
		if s.key == key {
			found = append(found, s.value)
		}
	}
	return found
}

// The program gets every argument unchanged, or the unit is refused because no program can get
// such an argument.
func FuzzArgument(f *testing.F) {
	for _, a := range seeds {
		f.Add(a, "x")
		f.Add("x", a)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		u := plain()
		u.Exec = append(u.Exec, a, b)
		settings, err := render(t, u)
		if err != nil {
			if utf8.ValidString(a) && utf8.ValidString(b) && !strings.Contains(a+b, "\x00") && len(a+b) < 1<<17 {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		_, argv, err := execArgv(values(t, settings, "ExecStart", 0)[0])
		if err != nil || !slices.Equal(argv, u.Exec) {
			t.Errorf("argv %q, %v, want %q", argv, err, u.Exec)
		}
	})
}

func FuzzProgram(f *testing.F) {
	for _, p := range seeds {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		u := plain()
		u.Exec[0] = p
		settings, err := render(t, u)
		if err != nil {
			if path.IsAbs(p) && path.Clean(p) == p && len(p) > 1 && len(p) < 4096 && utf8.ValidString(p) && !strings.ContainsAny(p, `"'\$`) &&
				!strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		program, argv, err := execArgv(values(t, settings, "ExecStart", 0)[0])
		if err != nil || program != p || !slices.Equal(argv, u.Exec) {
			t.Errorf("program %q, argv %q, %v, want %q", program, argv, err, u.Exec)
		}
	})
}

func FuzzEnvironment(f *testing.F) {
	for _, v := range seeds {
		f.Add("NAME", v)
		f.Add(v, "value")
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		u := plain()
		u.Env = map[string]string{name: value}
		settings, err := render(t, u)
		if err != nil {
			return
		}
		words, err := split(values(t, settings, "Environment", 1)[0], true)
		if err != nil || len(words) != 1 {
			t.Fatalf("words %q, %v", words, err)
		}
		if got, err := specifiers(words[0]); err != nil || got != name+"="+value {
			t.Errorf("variable %q, %v, want %q", got, err, name+"="+value)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, p := range seeds {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if p == "" {
			return // says nothing
		}
		u := plain()
		u.WorkingDirectory = p
		if settings, err := render(t, u); err == nil {
			got, err := specifiers(values(t, settings, "WorkingDirectory", 1)[0])
			if err != nil || got != p {
				t.Errorf("WorkingDirectory %q, %v, want %q", got, err, p)
			}
		}
		u = plain()
		u.Hardening.ProtectSystem, u.Hardening.ReadWritePaths = platform.On, []string{p, "/x"}
		if settings, err := render(t, u); err == nil {
			words, err := split(values(t, settings, "ReadWritePaths", 2)[0], false)
			if err != nil || len(words) != 2 {
				t.Fatalf("ReadWritePaths %q, %v", words, err)
			}
			if got, err := specifiers(words[0]); err != nil || got != p {
				t.Errorf("ReadWritePaths %q, %v, want %q", got, err, p)
			}
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u := plain()
		u.Description = s
		settings, err := render(t, u)
		if err != nil || s == "" {
			return
		}
		if got, err := specifiers(values(t, settings, "Description", 0)[0]); err != nil || got != s {
			t.Errorf("Description %q, %v, want %q", got, err, s)
		}
	})
}

// Names of accounts and units are not quoted, so names that would need it are refused.
func FuzzName(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for key, spoil := range map[string]func(*platform.Unit){
			"User":  func(u *platform.Unit) { u.User = s; u.Hardening = unhardened() },
			"After": func(u *platform.Unit) { u.After = []string{s} },
		} {
			u := plain()
			spoil(&u)
			settings, err := render(t, u)
			if err != nil || s == "" {
				continue
			}
			for _, setting := range settings {
				if setting.key != key {
					continue
				}
				words := strings.Fields(setting.value)
				if len(words) != 1 || strings.ContainsAny(setting.value, `"'%$;#`) || !strings.HasPrefix(setting.value, s) {
					t.Errorf("%s=%s, want %q", key, setting.value, s)
				}
			}
		}
	})
}
