//go:build linux

package test_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/test/bed"
)

// Texts that mean something to one of systemd's passes.
var awkward = []string{
	"", " ", "a b", " lead", "trail ", "\t", "\n", "a\nb", "\r", "\x01", "\x1b[1m", "\x7f", "\u0085", "\u2028", "naïve", "日本",
	`"`, `'`, `\`, `\\`, `\"`, `\n`, `\x20`, `a\`, `"a b"`, `'a b'`, "`id`", "$(id)", "%", "%%", "%n", "%%n", "100%", "$", "$$", "$HOME", "${HOME}",
	"a$HOME", "a${HOME}b", "$$HOME", "$$$", "$USER $HOME", ";", ";;", "; ", " ; ", "a;b", "#", "# c", "-", "--", "-x=y", "@", "!", "+", ":", "|", "~", "*", "?",
	"[x]", "[Service]", "=", "a=b", "/", "//", "%i", "%t/x", `a\ b`, `\$HOME`, `\\$HOME`, "{}", "${", "$}", "${}", "$1", "<", ">", "&", "&&", "||",
}

// Directories likewise.
var awkwardDirs = []string{
	"/srv/a b", "/srv/a  b", "/srv/ lead", "/srv/100%", "/srv/%n", "/srv/$HOME", "/srv/${HOME}", `/srv/a"b`, `/srv/a'b`, `/srv/a\b`, `/srv/a\\b`,
	`/srv/a\x20b`, `/srv/"q"`, "/srv/'q'", "/srv/naïve", "/srv/a;b", "/srv/;", "/srv/#", "/srv/-", "/srv/~", "/srv/a=b", "/srv/a:b", "/srv/[x]", "/srv/*",
}

// quoted is one unit of the round trip.
type quoted struct {
	name string
	unit platform.Unit
}

// units are fixed cases and some hundred drawn by chance, the same each time.
func quotingUnits() []quoted {
	var units []quoted
	add := func(change func(*platform.Unit)) {
		name := fmt.Sprintf("quote-%03d", len(units))
		u := platform.Unit{
			ID:        platform.ID{Name: name, Scope: platform.ScopeSystem},
			Exec:      []string{"/opt/probe", "dump"},
			Hardening: unhardened(),
			Restart:   platform.Restart{Policy: platform.RestartNever},
			Systemd:   platform.Systemd{Extra: []string{"Environment=PROBE_OUT=/run/quoting/" + name, "Type=oneshot"}},
		}
		u.Hardening.Capabilities = []string{"all"}
		change(&u)
		units = append(units, quoted{name, u})
	}
	for _, s := range awkward {
		add(func(u *platform.Unit) { u.Exec = append(u.Exec, s, "end"); u.Env = map[string]string{"V": s} })
		add(func(u *platform.Unit) { u.Exec = []string{"/opt/probe", s}; u.Description = s })
	}
	for _, d := range awkwardDirs {
		add(func(u *platform.Unit) { u.WorkingDirectory = d })
		add(func(u *platform.Unit) { u.Exec[0] = d + "/probe" })
		add(func(u *platform.Unit) {
			u.WorkingDirectory, u.Hardening.ProtectSystem, u.Hardening.ReadWritePaths = d, platform.On, []string{d, "/run/quoting"}
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() string {
		var b strings.Builder
		for range r.IntN(4) {
			switch r.IntN(3) {
			case 0:
				b.WriteRune(rune(1 + r.IntN(0x7f)))
			default:
				b.WriteString(awkward[r.IntN(len(awkward))])
			}
		}
		return b.String()
	}
	for range 150 {
		add(func(u *platform.Unit) {
			for range 6 {
				u.Exec = append(u.Exec, draw())
			}
			u.Env = map[string]string{"A": sayable(draw(), "\t\n"), "B_2": sayable(draw(), "\t\n"), "_c": sayable(draw(), "\t\n")}
			u.WorkingDirectory = awkwardDirs[r.IntN(len(awkwardDirs))]
			u.Description = strings.TrimRight(strings.TrimSpace(sayable(draw(), "")), `\`)
		})
	}
	return units
}

// sayable takes away the control characters that only an argument may have.
func sayable(s, but string) string {
	return strings.Map(func(r rune) rune {
		if (r < ' ' || r == 0x7f) && !strings.ContainsRune(but, r) {
			return -1
		}
		return r
	}, s)
}

// The process gets every byte that the unit contains, or `install` refuses it.
func TestSystemdQuoting(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		installProbe(t, b, "/opt/probe")
		var links bytes.Buffer
		for _, d := range awkwardDirs {
			fmt.Fprintf(&links, "%s\x00", d)
		}
		cmd := b.Command(t.Context(), "xargs", "-0", "sh", "-ec", `mkdir -p /run/quoting; for d; do mkdir -p "$d"; ln /opt/probe "$d/probe"; done`, "sh")
		cmd.Stdin = &links
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("directories: %v: %s", err, out)
		}

		units := quotingUnits()
		refused := 0
		units = slices.DeleteFunc(units, func(q quoted) bool {
			text, err := render(t, "systemd", q.unit)
			if err != nil {
				refused++
				return true
			}
			if err := b.Write("/run/systemd/system/"+q.name+".service", text, 0o644); err != nil {
				t.Fatal(err)
			}
			return false
		})
		t.Logf("%d units, %d refused", len(units), refused)
		if len(units) < 330 {
			t.Errorf("only %d units left to compare, %d were refused", len(units), refused)
		}
		b.MustRun(t, "systemctl", "daemon-reload")
		argv := []string{"systemctl", "start"}
		for _, q := range units {
			argv = append(argv, q.name)
		}
		if _, stderr, code, err := b.Run(t.Context(), argv...); err != nil || code != 0 {
			t.Errorf("start: code %d, %v: %s", code, err, stderr)
		}
		answers := readAll(t, b, "/run/quoting")
		descriptions := showDescriptions(t, b, argv[2:])
		for _, q := range units {
			compare(t, q, answers[q.name], descriptions[q.name+".service"])
		}
	})
}

// readAll reads the answers of all probes at once.
func readAll(t *testing.T, b *bed.Bed, dir string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	out := b.MustRun(t, "sh", "-ec", `cd "$1"; for f in *; do printf '%s\t' "$f"; cat "$f"; echo; done`, "sh", dir)
	for line := range strings.Lines(out) {
		if name, answer, ok := strings.Cut(line, "\t"); ok {
			answers[name] = answer
		}
	}
	return answers
}

func showDescriptions(t *testing.T, b *bed.Bed, names []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	out := b.MustRun(t, append([]string{"systemctl", "show", "--property=Id,Description"}, names...)...)
	for block := range strings.SplitSeq(out, "\n\n") {
		var id, description string
		for line := range strings.Lines(block) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			switch key {
			case "Id":
				id = value
			case "Description":
				description = value
			}
		}
		found[id] = description
	}
	return found
}

func compare(t *testing.T, q quoted, answer, description string) {
	t.Helper()
	var got struct {
		Argv, Env []string
		Dir       string
		Writable  bool
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Errorf("%s: no answer (%v): %+v", q.name, err, q.unit)
		return
	}
	u := q.unit
	if !slices.Equal(got.Argv, u.Exec) {
		t.Errorf("argv %q, want %q", got.Argv, u.Exec)
	}
	for name, value := range u.Env {
		if !slices.Contains(got.Env, name+"="+value) {
			t.Errorf("%s=%q is not in the environment %q", name, value, got.Env)
		}
	}
	if want := u.WorkingDirectory; want != "" && got.Dir != want {
		t.Errorf("directory %q, want %q", got.Dir, want)
	}
	if u.Hardening.ProtectSystem == platform.On && !got.Writable {
		t.Errorf("ReadWritePaths %q is not writable", u.Hardening.ReadWritePaths[0])
	}
	if u.Description != "" && description != u.Description {
		t.Errorf("description %q, want %q", description, u.Description)
	}
}
