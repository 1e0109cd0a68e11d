//go:build linux || darwin

package behaviour_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

var update = flag.Bool("update", false, "write testdata/session.golden")

// session is the session on a terminal that the README shows.
var session = []string{
	"shipper install --start",
	"shipper status",
	`sed -i 's/match = .*/match = "("/' /etc/shipper/shipper.toml; shipper reload`,
	`sed -i 's/match = .*/match = "error"/' /etc/shipper/shipper.toml; shipper reload`,
	"kill -9 $(cat /run/shipper/shipper.pid)",
	"shipper doctor",
	"shipper stop",
	"shipper uninstall",
}

// settled has, by line of session, a condition that becomes true some time after it. The next
// line is typed then, as by a person who reads first.
var settled = map[string]string{
	session[0]: `shipper status | grep " says " && shipper status | grep " health " && cp /run/shipper/shipper.pid /tmp`,
	session[4]: `! cmp -s /run/shipper/shipper.pid /tmp/shipper.pid && shipper status --json | grep '"ready": true'`,
}

// The README shows what a terminal shows, except for numbers, times and blanks.
func TestSession(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	const golden = "testdata/session.golden"
	b := bed.Require(t, "systemd257")
	if err := b.Put(build(t, "./examples/shipper"), "/usr/local/bin/shipper", 0o755); err != nil {
		t.Fatal(err)
	}
	config := "[shipper]\ninputs = [\"/var/log/app.log\"]\noutput = \"/var/lib/shipper/out\"\nmatch = \"error|warning\"\n"
	if _, stderr, code, err := b.Run(t.Context(), "/bin/sh", "-c", "mkdir -p /etc/shipper; touch /var/log/app.log; printf '%s' '"+config+"' >/etc/shipper/shipper.toml"); err != nil || code != 0 {
		t.Fatal(err, code, stderr)
	}
	var got strings.Builder
	for _, line := range session {
		// A terminal of its own, without colours.
		out, stderr, _, err := b.Run(t.Context(), "env", "NO_COLOR=1", "TERM=dumb", "SHELL=/bin/sh", "COLUMNS=100", "script", "-qec", line, "/dev/null")
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, stderr)
		}
		got.WriteString("# " + line + "\n" + shown(out))
		if so := settled[line]; so != "" {
			wait.Until(t, so, func() bool {
				_, _, code, err := b.Run(t.Context(), "/bin/sh", "-c", so)
				return err == nil && code == 0
			})
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if g, w := alike(got.String()), alike(string(want)); g != w {
		t.Errorf("the README shows\n%s\nand it is\n%s\n(go test ./test/behaviour -run TestSession -update, then ./test/policy)", w, g)
	}
}

// shown returns what stays on a terminal: on a slow machine a command shows its progress on a
// line that it clears afterwards.
func shown(out string) string {
	return regexp.MustCompile(`(?m)^.*\r\x1b\[K`).ReplaceAllString(strings.ReplaceAll(out, "\r\n", "\n"), "")
}

// alike removes from a text what differs from run to run: numbers, the units of times, and
// blanks.
func alike(text string) string {
	text = regexp.MustCompile(`\b(\d+(\.\d+)?(h|m|ms|s|µs))+\b`).ReplaceAllString(text, "0s")
	text = regexp.MustCompile(`\d+(\.\d+)?`).ReplaceAllString(text, "0")
	return regexp.MustCompile(` +`).ReplaceAllString(text, " ")
}
