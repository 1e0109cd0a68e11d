//go:build linux || darwin

package behaviour_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// tryCandidate is
//
//	trial VERSION BEHAVIOUR CODE RESULT REASON [ARG...]
//
// which makes such a candidate, lets `upgrade` put it on trial, and checks everything that an
// upgrade promises: code, result and reason (a regular expression), the rest of its JSON, the
// version that runs, in one process, the installed program, configuration and data, what is
// pinned, and that nothing else is left. The VERSION may be a path: that file is then the
// candidate. If CODE is 0, the confirmed version runs, unless the service was stopped before.
// An ARG may be $ENOUGH, a duration in which a candidate becomes ready on this machine: several
// times what the slowest one has taken.
func tryCandidate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 5 {
		ts.Fatalf("usage: trial VERSION BEHAVIOUR CODE RESULT REASON [ARG...]")
	}
	s := stageOf(ts)
	file := args[0]
	if !strings.HasPrefix(file, "/") {
		file = "/var/log/app-" + args[0] + "-" + args[1]
		const makes = `test -e "$1" || { cp /usr/local/lib/candidate "$1" && printf "\nholdfast-candidate: %s\n" "$2" >>"$1"; }`
		if _, stderr, code := s.do(ts, "", []string{"/bin/sh", "-c", makes, "sh", file, args[0] + " " + args[1]}); code != 0 {
			ts.Fatalf("make a candidate: %s", stderr)
		}
	}
	before := s.upgradeScene(ts, file)
	begin := time.Now()
	stdout, stderr, code := s.do(ts, "", append([]string{"shipper", "--config", "/etc/shipper.toml", "upgrade", file, "--json"}, args[5:]...))
	took := time.Since(begin)
	s.code = code
	_, _ = ts.Stdout().Write([]byte(stdout))
	_, _ = ts.Stderr().Write([]byte(stderr))
	o := outcome{args: args, before: before, code: code}
	if err := json.Unmarshal([]byte(stdout), &o.upgradeJSON); err != nil {
		ts.Fatalf("trial %q: no JSON: %v (code %d)\n%s%s", args, err, code, stdout, stderr)
	}
	if o.Result == "confirmed" && o.Tried {
		s.slowest = max(s.slowest, took)
		ts.Setenv("ENOUGH", (least + 5*s.slowest).String())
		// It notices by itself, a little later.
		s.until(ts, `! shipper --config /etc/shipper.toml status --json | grep '"trial"'`)
	}
	o.after = s.upgradeScene(ts, file)
	if wrong := o.wrong(); len(wrong) > 0 {
		ts.Logf("%s\nbefore %+v\nafter %+v\n%s", stdout, before, o.after, s.scene())
		ts.Fatalf("trial %q:\n- %s", args, strings.Join(wrong, "\n- "))
	}
	s.trials = append(s.trials, o.Result)
}

// least is the minimum of $ENOUGH: other programs may slow down a machine at any time.
const least = 15 * time.Second

// upgradeJSON is what fleet tools read.
type upgradeJSON struct {
	Service  string      `json:"service"`
	ID       string      `json:"id"`
	By       string      `json:"by"`
	Since    time.Time   `json:"since"`
	Ended    time.Time   `json:"ended"`
	From     versionJSON `json:"from"`
	To       versionJSON `json:"to"`
	Step     string      `json:"step"`
	Result   string      `json:"result"`
	Reason   string      `json:"reason"`
	Downtime int64       `json:"downtime_ns"`
	Up       *bool       `json:"up"`
	Tried    bool        `json:"tried"`
}

type versionJSON struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// upgradeScene describes a service and its versions.
type upgradeScene struct {
	Digests  map[string]string // of program, candidate, configuration, data
	Running  []string          // command lines of what runs as the service
	Left     []string          // what lies about and should not
	Kept     int               // directories of versions
	Versions struct {
		Confirmed versionJSON   `json:"confirmed"`
		Kept      []versionJSON `json:"kept"`
		Failed    []versionJSON `json:"failed"`
		OnTrial   *upgradeJSON  `json:"on_trial"`
		Last      *upgradeJSON  `json:"last"`
	}
	Status struct {
		Version string `json:"version"`
		Trial   string `json:"trial"`
		Phase   string `json:"phase"`
		Ready   bool   `json:"ready"`
		PID     int    `json:"pid"`
	}
}

const upgradeSceneScript = `
cd /usr/local/bin
for f in /usr/local/bin/shipper "$1" /etc/shipper.toml /var/lib/shipper/data; do
	test -e "$f" || continue
	# Nobody changes a file and leaves all of this as it was.
	is=/tmp/app.digest.$(stat -c %d-%i-%s-%Y-%z "$f" | tr -c '[:alnum:]\n' -)
	test -s $is || sha256sum <"$f" >$is
	echo "digest $f $(cat $is)"
done
for exe in $(find /proc/[0-9]* -maxdepth 1 -name exe -lname '/usr/local/bin/shipper*' 2>/dev/null); do
	p=${exe%/exe}
	case "$(readlink $exe)" in
	/usr/local/bin/shipper|/usr/local/bin/shipper' '*|/usr/local/bin/shipper.versions/*) ;;
	*) continue ;;
	esac
	args=$(tr '\000' ' ' <$p/cmdline)
	case "$args" in
	*' run '*) echo "running ${p#/proc/} $args" ;;
	esac
done
for f in /usr/local/bin/.shipper.new /usr/local/bin/shipper.versions/.new-* /run/holdfast/*.trial.json; do
	test -e "$f" && echo "left $f"
done
test -d shipper.versions && echo "kept $(ls shipper.versions | wc -l)"
for verb in versions status; do
	printf '%s ' $verb
	shipper --config /etc/shipper.toml $verb --json | tr '\n' ' '
	echo
done
`

func (s *stage) upgradeScene(ts *testscript.TestScript, file string) upgradeScene {
	stdout, stderr, _ := s.do(ts, "", []string{"/bin/sh", "-c", upgradeSceneScript, "sh", file})
	u := upgradeScene{Digests: map[string]string{}}
	for line := range strings.Lines(stdout) {
		var err error
		switch kind, rest, _ := strings.Cut(strings.TrimSpace(line), " "); kind {
		case "digest":
			path, digest, _ := strings.Cut(rest, " ")
			u.Digests[path], _, _ = strings.Cut(digest, " ")
		case "running":
			u.Running = append(u.Running, rest)
		case "left":
			u.Left = append(u.Left, rest)
		case "kept":
			_, err = fmt.Sscan(rest, &u.Kept)
		case "versions":
			err = json.Unmarshal([]byte(rest), &u.Versions)
		case "status":
			err = json.Unmarshal([]byte(rest), &u.Status)
		}
		if err != nil {
			ts.Fatalf("%s: %v\n%s", line, err, stderr)
		}
	}
	return u
}

// outcome is the outcome of an upgrade, and the expected one.
type outcome struct {
	upgradeJSON
	args          []string
	before, after upgradeScene
	code          int
}

const stablePath = "/usr/local/bin/shipper"

// wrong returns everything that differs from the promise.
func (o *outcome) wrong() (wrong []string) {
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	was, is, file := o.before.Digests, o.after.Digests, o.args[0]
	if !strings.HasPrefix(file, "/") {
		file = "/var/log/app-" + o.args[0] + "-" + o.args[1]
	}
	check(fmt.Sprint(o.code) == o.args[2], "the exit code is %d, want %s", o.code, o.args[2])
	check(o.Result == o.args[3], "the result is %q, want %q", o.Result, o.args[3])
	check(regexp.MustCompile(o.args[4]).MatchString(o.Reason), "the reason is %q, want %q", o.Reason, o.args[4])

	// The rest of the contract.
	running := o.before.Status.PID != 0
	check(o.Service == "shipper" && o.ID != "" && o.By == "root" && o.Step != "", "it does not say which, whose and how far")
	check(!o.Since.IsZero() && !o.Ended.Before(o.Since), "from %v to %v", o.Since, o.Ended)
	check(o.From.SHA256 == was[stablePath], "it was from %v", o.From)
	check(o.To.SHA256 == was[file], "it was to %v", o.To)
	check(o.Up != nil && *o.Up == (o.code != 11), "up is wrong")
	check(o.Tried == (running && slices.Contains([]string{"confirmed", "rolled-back", "interrupted"}, o.Result)), "tried is %v", o.Tried)
	check(o.Result != "confirmed" || (o.Downtime > 0) == o.Tried, "the downtime is %v", time.Duration(o.Downtime))

	// What is installed and what is pinned.
	confirmed := was[stablePath]
	if o.Result == "confirmed" {
		confirmed = was[file]
	}
	v := o.after.Versions
	check(is[stablePath] == confirmed && v.Confirmed.SHA256 == confirmed, "installed is %s, recorded %v, want %s", is[stablePath], v.Confirmed, confirmed)
	of := func(f versionJSON) bool { return f.SHA256 == was[file] }
	pinned, before := slices.ContainsFunc(v.Failed, of), slices.ContainsFunc(o.before.Versions.Failed, of)
	check(pinned == (o.Result == "rolled-back" || before && o.Result != "confirmed"), "pinned is %v: %v", pinned, v.Failed)
	check(v.OnTrial == nil && v.Last != nil && v.Last.ID == o.ID && v.Last.Result == o.Result, "last is %+v, on trial %+v", v.Last, v.OnTrial)
	check(o.Result != "confirmed" || len(v.Kept) > 0 && v.Kept[0].SHA256 == was[stablePath], "kept is %v", v.Kept)
	// The confirmed version may be there as well, and so may one that somebody replaced, until
	// the next upgrade.
	check(o.after.Kept >= len(v.Kept) && o.after.Kept <= len(v.Kept)+2, "%d versions lie there, and %d are kept", o.after.Kept, len(v.Kept))

	// What runs, and with which data.
	st := o.after.Status
	check(st.Trial == "", "it is on trial")
	check(st.Ready == (running && o.code != 11), "ready is %v (%s)", st.Ready, st.Phase)
	check(!running || o.code == 11 || st.Version == v.Confirmed.Version, "%s runs, and %s is confirmed", st.Version, v.Confirmed.Version)
	check(len(o.after.Running) == len(o.before.Running), "%d copies run, and %d did", len(o.after.Running), len(o.before.Running))
	for _, path := range []string{"/etc/shipper.toml", "/var/lib/shipper/data"} {
		check(is[path] == was[path], "%s is another one", path)
	}
	check(is["/var/lib/shipper/data"] != "", "there is no data")
	check(len(o.after.Left) == 0, "left: %q", o.after.Left)
	return wrong
}
