//go:build linux || darwin

package behaviour_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// fault is one row of the catalogue: what is done to a healthy service, and what doctor must
// report first. Scripts are for /bin/sh, as root in the bed, with the functions and variables
// of faultPrelude.
type fault struct {
	name string
	// on names the managers or kinds on which the fault is possible, in one line: "systemd",
	// "sysv openrc", "systemd257". Empty: all; with a "!" before each: all others.
	on string
	// service and shipper are lines of the tables of the configuration, in addition to the
	// usual ones.
	service, shipper string
	// prog is the program in /usr/local/bin: shipper, if it is empty, or jobs. version makes
	// shipper a candidate that behaves in that way: see test/behaviour/candidate.
	prog, version string

	// as is the user who owns the service and runs doctor; empty: root, for a service of the
	// machine.
	as string
	// ask is another file to run doctor with, if the program itself cannot be executed.
	ask string

	// long means that only HOLDFAST_FAULTS=all plays it.
	long bool

	prepare string // before the service is installed
	inject  string // waits itself for what does not show at once
	finds   string // the finding that has to be the first; several, with a |, where the beds differ for a reason
	// fix is a regular expression that matches the whole command that doctor must propose.
	// Empty: there is no command.
	fix string
	// hand is what a person must do before the command, or instead of it if there is none. If
	// it is also empty, nothing is repaired.
	hand string
	then string // waits for what the command does not wait for
	undo string // of what clearing the stage does not undo

	// misses says why doctor does not find the fault, or not first, or does not repair it. It
	// lowers the score.
	misses string
}

// usual is the configuration of every service of the catalogue, unless a row says otherwise.
var usual = []string{`stop_timeout = "5s"`, `start_timeout = "60s"`, `restart.delay = "100ms"`}

func (f fault) config() string {
	var b strings.Builder
	b.WriteString("[service]\n")
	for _, line := range usual {
		if key, _, _ := strings.Cut(line, "="); !strings.Contains(f.service, key+"=") {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString(f.service + "\n")
	switch {
	case f.prog == "jobs":
		b.WriteString("[jobs]\n")
	case f.version == "":
		b.WriteString("[shipper]\ninputs = [\"/var/log/app*.log\"]\n")
		if !strings.Contains(f.shipper, "output =") {
			b.WriteString("output = \"/var/lib/shipper/out\"\n")
		}
	}
	return b.String() + f.shipper + "\n"
}

func (f fault) playedOn(k bed.Kind) bool {
	words := strings.Fields(f.on)
	if not := len(words) > 0 && strings.HasPrefix(words[0], "!"); not {
		return !slices.Contains(words, "!"+k.Name) && !slices.Contains(words, "!"+k.Manager)
	}
	return len(words) == 0 || slices.Contains(words, k.Name) || slices.Contains(words, k.Manager)
}

// faultPrelude precedes each script of the catalogue.
const faultPrelude = `
cd /
R=/run/$P S=/var/lib/$P L=/var/log/$P C=/etc/$P/$P.toml
for D in /etc/systemd/system/$P.service /etc/init.d/$P /Library/LaunchDaemons/$P.plist; do test -e $D && break; done
jobs() { /usr/local/bin/jobs "$@"; } # and not the shell's own
pid() { cat $R/$P.pid; }
until_() { pause=0; until eval "$1" >/dev/null 2>&1; do pause=$((pause < 5 ? pause + 1 : 5)); sleep 0.$pause; done; }
says() { $P status --json 2>/dev/null | tr -d '\n ' | grep -q "$1"; }
ready() { until_ "says '\"ready\":true'"; }
failed() { until_ "says '\"phase\":\"failed\"'"; }
dead() { until_ "! says '\"pid\":[1-9]'"; }
killed() { kill -9 $(pid); dead; }
edit() { sed -i "$1" $C; }
set -e
`

// TestFaults plays the catalogue. Each fault is done to a healthy service. doctor must name it
// before anything else. Then the proposed command is executed as it is, and the service must
// be healthy again. Without HOLDFAST_FAULTS=all each kind plays a part of it.
func TestFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("beds take a while")
	}
	programs := catalogueMachine(t)
	bed.Each(t, "", func(t *testing.T, b *bed.Bed) {
		if b.Kind().Manager == "scm" {
			t.Skip("the catalogue speaks to a shell; test/windows has what Windows can be asked")
		}
		programs(t, b)
		playCatalogue(t, b)
	})
}

func catalogueMachine(t *testing.T) func(*testing.T, *bed.Bed) {
	programs := map[string]string{
		"/usr/local/bin/shipper":   build(t, "./examples/shipper"),
		"/usr/local/bin/jobs":      build(t, "./examples/jobs"),
		"/usr/local/lib/candidate": build(t, "./test/behaviour/candidate"),
	}
	return func(t *testing.T, b *bed.Bed) {
		for path, program := range programs {
			if err := b.Put(program, path, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// perKind is the number of faults that a kind plays by default.
const perKind = 6

// playCatalogue plays the faults for the machine, one after the other, and prints the score.
func playCatalogue(t *testing.T, b machine) {
	t.Helper()
	var possible []fault
	only := os.Getenv("HOLDFAST_FAULTS")
	for _, f := range catalogue() {
		if f.playedOn(b.Kind()) {
			possible = append(possible, f)
		}
	}
	played := possible
	if only != "all" {
		played = slices.DeleteFunc(slices.Clone(possible), func(f fault) bool { return f.long })
		played = sliceOf(played, b.Kind().Name, perKind)
	}
	p := &catalogueStage{stage: stage{bed: b}}
	t.Run("healthy", p.healthy)
	for _, f := range played {
		t.Run(f.name, func(t *testing.T) {
			bed.Halve(t, f.name, slices.Index(sliced, b.Kind().Name))
			p.play(t, f)
		})
	}
	if p.faults == 0 { // -run has left none
		return
	}
	t.Logf("doctor on %s: of %d faults (%d possible here) it named %d first (%d %%); %d of %d commands mended them, as did %d of %d mends by hand; %d false alarms in %d looks at what is healthy",
		b.Kind().Name, p.faults, len(possible), p.first, 100*p.first/p.faults, p.mended, p.commands, p.byHand, p.hands, p.alarms, p.looks)
	if 100*p.first < 90*p.faults {
		t.Errorf("less than 90 %%")
	}
}

// sliceOf returns n of the rows: those with the lowest hashes of name and kind. So the kinds
// play different rows, and a new row hardly changes the selection of the others.
func sliceOf(rows []fault, kind string, n int) []fault {
	order := func(f fault) uint64 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(f.name + "\x00" + kind)) // it never fails
		return h.Sum64()
	}
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b fault) int { return cmp.Compare(order(a), order(b)) })
	return rows[:min(n, len(rows))]
}

// catalogueStage is the machine as the catalogue sees it, and the score.
type catalogueStage struct {
	stage
	faults, first, commands, mended, hands, byHand, alarms, looks int
}

// opinion is the report of doctor.
type opinion struct {
	Severity string    `json:"severity"`
	Findings []finding `json:"findings"`

	code int
	said string
}

type finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Cause    string `json:"cause"`
	Fix      string `json:"fix"`
}

// alarming reports whether there is anything above a note.
func (o opinion) alarming() bool {
	return slices.ContainsFunc(append(severities(o), o.Severity), func(s string) bool { return s == "error" || s == "warning" })
}

func severities(o opinion) []string {
	var all []string
	for _, f := range o.Findings {
		all = append(all, f.Severity)
	}
	return all
}

func (p *catalogueStage) sh(t *testing.T, prog, script string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, done := wait.Context(t, context.Background(), script)
	defer done()
	stdout, stderr, code, err := p.bed.Run(ctx, "/bin/sh", "-c", "P="+prog+faultPrelude+script)
	if err != nil {
		t.Fatalf("%s: %v\n%s%s\n%s", script, err, stdout, stderr, p.scene())
	}
	return stdout, stderr, code
}

func (p *catalogueStage) must(t *testing.T, prog, script string) string {
	t.Helper()
	stdout, stderr, code := p.sh(t, prog, script)
	if code != 0 {
		t.Fatalf("%s: exit code %d\n%s%s\n%s", script, code, stdout, stderr, p.scene())
	}
	return stdout
}

// doctor runs doctor of a program as a user; the empty one is root.
func (p *catalogueStage) doctor(t *testing.T, prog, user string) opinion {
	t.Helper()
	ctx, done := wait.Context(t, context.Background(), "doctor")
	defer done()
	stdout, stderr, code, err := p.bed.RunAs(ctx, user, "/bin/sh", "-c", "cd /; exec "+prog+" doctor --json")
	o := opinion{code: code, said: stdout + stderr}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(stdout), &o); err != nil {
		t.Fatalf("doctor: %v: exit code %d\n%s%s", err, code, stdout, stderr)
	}
	return o
}

// well runs doctor on a healthy service.
func (p *catalogueStage) well(t *testing.T, prog, user, when string) {
	t.Helper()
	p.looks++
	if o := p.doctor(t, prog, user); o.alarming() || o.code != 0 {
		p.alarms++
		t.Errorf("%s doctor complains to %q: exit code %d\n%s\n%s", when, user, o.code, o.said, p.scene())
	}
}

// begin starts a healthy service on a clean stage.
func (p *catalogueStage) begin(t *testing.T, f fault) string {
	t.Helper()
	prog := cmp.Or(f.prog, "shipper")
	script := fmt.Sprintf("mkdir -p /etc/$P; cat >$C <<'end'\n%send\ntouch /var/log/app.log\n", f.config())
	if f.version != "" {
		script += fmt.Sprintf("cp -p /usr/local/bin/shipper /usr/local/lib/shipper.orig\n"+
			"cp /usr/local/lib/candidate /usr/local/bin/.new; printf '\\nholdfast-candidate: 1 %s\\n' >>/usr/local/bin/.new; mv /usr/local/bin/.new /usr/local/bin/shipper\n", f.version)
	}
	if strings.Contains(f.service, feed) {
		script += "id feed >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin feed\n"
	}
	script += f.prepare + "\n"
	if f.as == "" {
		p.must(t, prog, script+"$P install --start")
		return prog
	}
	ctx, done := wait.Context(t, context.Background(), "a user's service")
	defer done()
	if _, err := p.bed.AddUser(ctx, f.as); err != nil {
		t.Fatal(err)
	}
	p.must(t, prog, script+"mkdir -p ~"+f.as+"/.config/$P; mv $C ~"+f.as+"/.config/$P; chown -R "+f.as+" ~"+f.as+"/.config")
	if stdout, stderr, code, err := p.bed.RunAs(ctx, f.as, "/bin/sh", "-c", "cd /; exec "+prog+" install --start --scope user"); err != nil || code != 0 {
		t.Fatalf("install: exit code %d, %v\n%s%s", code, err, stdout, stderr)
	}
	return prog
}

func (p *catalogueStage) end(t *testing.T, f fault) {
	t.Helper()
	if f.undo != "" {
		if stdout, stderr, code := p.sh(t, cmp.Or(f.prog, "shipper"), "set +e\n"+f.undo+"\ntrue"); code != 0 {
			t.Errorf("undo: %s%s", stdout, stderr)
		}
	}
	if f.as != "" {
		ctx, done := wait.Context(t, context.Background(), "a user's service")
		defer done()
		_, _, _, _ = p.bed.RunAs(ctx, f.as, "/bin/sh", "-c", "cd /; exec shipper uninstall --purge; rm -rf ~/.config/shipper ~/app*")
	}
	_, _, _ = p.sh(t, cmp.Or(f.prog, "shipper"), "timeout 120 $P uninstall --purge >/dev/null 2>&1 || pkill -9 -x $P; rm -rf /etc/$P $S /run/$P")
	p.clear(t)
}

// play plays one row.
func (p *catalogueStage) play(t *testing.T, f fault) {
	defer p.end(t, f)
	prog := p.begin(t, f)
	p.must(t, prog, f.inject)

	p.faults++
	ask := cmp.Or(f.ask, prog)
	if f.ask != "" && p.bed.Kind().Manager == "launchd" { // which nobody has to tell it on a Mac
		ask += " --manager launchd"
	}
	o := p.doctor(t, ask, f.as)
	wrong := func(format string, args ...any) {
		t.Helper()
		text := fmt.Sprintf(format, args...) + "\n" + o.said
		if f.misses != "" {
			t.Logf("known, %s: %s", f.misses, text)
			return
		}
		t.Errorf("%s\n%s", text, p.scene())
	}
	if len(o.Findings) == 0 || !slices.Contains(strings.Split(f.finds, "|"), o.Findings[0].ID) {
		wrong("%q is not the first finding", f.finds)
		return
	}
	found := o.Findings[0]
	if found.Cause == "" || o.Severity != found.Severity || o.alarming() != (o.code != 0) {
		wrong("severity %q, exit code %d", o.Severity, o.code)
	}
	p.first++
	if !regexp.MustCompile("^(?:" + f.fix + ")$").MatchString(strings.ReplaceAll(strings.TrimPrefix(found.Fix, "/usr/local/bin/"), " --manager launchd", "")) {
		wrong("the way out is %q, want %q", found.Fix, f.fix)
	}
	if f.hand != "" {
		p.must(t, prog, f.hand)
	}
	if found.Fix != "" {
		p.commands++
		ctx, done := wait.Context(t, context.Background(), found.Fix)
		stdout, stderr, code, err := p.bed.Run(ctx, "/bin/sh", "-c", "cd /; "+found.Fix)
		done()
		if err != nil || code != 0 {
			wrong("%q: exit code %d, %v\n%s%s", found.Fix, code, err, stdout, stderr)
			return
		}
	} else if f.hand != "" {
		p.hands++
	}
	if f.hand == "" && found.Fix == "" {
		return
	}
	if f.then != "" {
		p.must(t, prog, f.then)
	}
	before := o.said
	if o = p.doctor(t, prog, f.as); o.alarming() || slices.ContainsFunc(o.Findings, func(f finding) bool { return f.ID == found.ID }) {
		wrong("all is not well after %q, which was for\n%s", found.Fix, before)
		return
	}
	if found.Fix != "" {
		p.mended++
	} else {
		p.byHand++
	}
}

// healthy is a service on which doctor may report nothing above a note.
func (p *catalogueStage) healthy(t *testing.T) {
	defer p.end(t, fault{})
	prog := p.begin(t, fault{})
	p.well(t, prog, "", "after install --start")
	p.well(t, prog, "nobody", "after install --start")
	for _, calm := range calms() {
		if strings.Contains(calm.on, "!"+p.bed.Kind().Manager) {
			continue
		}
		p.must(t, prog, calm.script)
		p.well(t, prog, "", calm.when)
	}
}
