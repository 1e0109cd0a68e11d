package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/cli"
)

// A bad configuration is what a report is about, and it was left out in just that case. The
// report has its lines, without values that may be secret.
func TestBugreportHasTheLinesOfABadConfiguration(t *testing.T) {
	const text = `# token hush01hush
[service]
stop_timeout = "3s"
user = 'feed' # hush02hush
no_such_key = "hush03hush"
after = ["postgresql", "redis"]
args = ["--x", "hush05hush"]
requires = [
  "hush06hush",
]
[service.env]
TOKEN = "hush08hush"
[service.alarm]
webhook = "https://h/hush09hush"
[service.windows]
password_file = "/etc/hush10hush"
[feed]
url = "hush11hush"
password = """
hush13hush
stop_timeout = "hush14hush"
"""
interval = 5
`
	const broken = `group = "feed" password = "hush04hush"
env.LATER = "hush07hush"
"sk-hush12hush" = 1
hush15HUSH==
HUSHhush16=
[feed
secret = "hush17hush
`
	for name, text := range map[string]string{"an unknown key": text, "no TOML": text + broken} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.file(text)
			p.cfg.Log.File = filepath.Join(p.dir, "log")
			p.put(p.cfg.Log.File, "the token is hush08hush, and hush13hush\n")
			archive := filepath.Join(p.dir, "out.tar.gz")
			if code, err := p.run("bugreport", "-o", archive); code != 0 {
				t.Fatalf("%d, %v", code, err)
			}
			got := unpacked(t, archive)
			for part, text := range got {
				if strings.Contains(strings.ToLower(text), "hush") {
					t.Errorf("%s leaks:\n%s", part, text)
				}
			}
			lines := got["config-lines.txt"]
			for _, want := range []string{
				"   1  (struck out)\n   2  [service]\n   3  stop_timeout = \"3s\"\n   4  user = (struck out)\n   5  no_such_key = (struck out)\n   6  after = [\"postgresql\", \"redis\"]\n",
				"  17  [feed]\n  18  url = (struck out)\n  19  password = (struck out)\n  20  (struck out)\n", "  23  interval = (struck out)\n",
			} {
				if !strings.Contains(lines, want) {
					t.Errorf("the lines lack\n%s:\n%s\n%s", want, lines, &p.out)
				}
			}
			if name == "no TOML" && !strings.Contains(lines, "  24  group = (struck out)\n  25  (struck out)\n  26  (struck out)\n  27  (struck out)\n  28  (struck out)\n  29  [feed\n  30  secret = (struck out)\n") {
				t.Errorf("the line that is wrong is not there:\n%s", lines)
			}
			if !strings.Contains(p.out.String(), "config-lines.txt") || !strings.Contains(p.out.String(), "  configuration: ") {
				t.Errorf("it does not say so:\n%s", &p.out)
			}
		})
	}
}

// A secret value is removed, whatever is around it.
func FuzzSketch(f *testing.F) {
	f.Add("[service]\n", "password = \"", "\"\n")
	f.Add("[service]\nuser = \"x\"\n", "'''\n", "\n'''")
	f.Fuzz(func(t *testing.T, before, key, after string) {
		const secret = "Hush Hush"
		if strings.Contains(strings.Join([]string{before, key, after}, " "), "Hush") {
			return
		}
		for _, line := range cli.Sketch(before + key + secret + after) {
			if strings.Contains(line, secret) {
				t.Errorf("%q of %q", line, before+key+secret+after)
			}
		}
	})
}

// Empty defaults, and values that are not shown anyway, were partly redacted; and an empty
// file was reported as Go's words about a crash.
func TestBugreportStrikesOutNothingWhereNothingIs(t *testing.T) {
	p := newPlace(t)
	p.cfg.Env = map[string]string{"TOKEN": "hush"}
	p.file("")
	p.put(filepath.Join(p.cfg.StateDir, "feedd.crash"), "")
	archive := filepath.Join(p.dir, "out.tar.gz")
	if code, err := p.run("bugreport", "-o", archive); code != 0 {
		t.Fatalf("%d, %v", code, err)
	}
	got := unpacked(t, archive)
	if text := got["configuration.txt"]; strings.Contains(text, "struck out") || !strings.Contains(text, "service.windows.password_file = \"\"  # default\n") || !strings.Contains(text, "service.env = (not shown)  # program\n") {
		t.Errorf("the configuration is\n%s", text)
	}
	if text, ok := got["crash.txt"]; ok || strings.Contains(p.out.String(), "crash.txt") {
		t.Errorf("a crash of which Go said nothing: %q\n%s", text, &p.out)
	}
}
