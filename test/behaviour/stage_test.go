//go:build linux || darwin

package behaviour_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

type stageKey struct{}

// machine is where scripts are played: a bed, or a double of a manager in a bed.
type machine interface {
	Kind() bed.Kind
	Run(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error)
	RunAs(ctx context.Context, user string, argv ...string) (stdout, stderr string, code int, err error)
	Put(hostPath, path string, mode fs.FileMode) error
	AddUser(ctx context.Context, name string) (uid int, err error)
	Reboot(ctx context.Context) error
}

// stage is the machine as one script sees it.
type stage struct {
	bed  machine
	code int // of the last command

	trials  []string      // the results of upgrades
	slowest time.Duration // of the upgrades that were confirmed
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// dress puts the files of the script where the service expects them.
func (s *stage) dress(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "shipper*.toml"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := s.bed.Put(f, "/etc/"+filepath.Base(f), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what a script has left, also after a failure half-way.
func (s *stage) clear(t *testing.T) {
	t.Helper()
	if n := map[string]int{}; len(s.trials) > 0 {
		for _, result := range s.trials {
			n[result]++
		}
		t.Logf("%s: %d upgrades: %v", s.bed.Kind().Name, len(s.trials), n)
	}
	ctx, done := wait.Context(t, context.Background(), "clearing the stage")
	defer done()
	const script = `
cd /
for c in /etc/shipper*.toml; do
	timeout 120 shipper uninstall --config "$c" >/dev/null 2>&1
done
if test -f /etc/jobs.toml; then
	timeout 120 /usr/local/bin/jobs uninstall --purge --config /etc/jobs.toml >/dev/null 2>&1
	pkill -9 -x jobs
	rm -rf /etc/jobs* /run/jobs* /var/lib/jobs*
fi
for n in cache web tree grows keeps; do # wrap*.txtar, backoff.txtar
	test -e /etc/$n || continue
	timeout 120 wrap uninstall $n --purge >/dev/null 2>&1
	pkill -9 -x wrap; pkill -9 -x redis-server
	rm -rf /usr/local/bin/redis-server /etc/$n /var/lib/$n /run/$n
done
pkill -9 -x shipper
umount -l /usr/local/bin/shipper.versions /usr/local/bin /var/log/app.small 2>/dev/null # upgrade_disk
pkill -9 -f 'sleep 3133[78]' # what a script had somebody else make
for f in $(ls /etc/systemd/system/shipper.service /etc/init.d/shipper /Library/LaunchDaemons/shipper.plist 2>/dev/null); do
	rc-service shipper zap # what somebody else's has started is started to OpenRC for ever
	systemctl disable shipper; update-rc.d -f shipper remove; rc-update -a del shipper; launchctl bootout system/shipper
	rm -f "$f" "$f.before-holdfast"
done >/dev/null 2>&1
test -f /usr/local/lib/shipper.orig && mv /usr/local/lib/shipper.orig /usr/local/bin/shipper # upgraded
rm -rf /usr/local/bin/shipper.versions /run/holdfast
rm -rf /etc/systemd/system/shipper.service.d; systemctl daemon-reload 2>/dev/null
journalctl -q --rotate --vacuum-size=1 >/dev/null 2>&1 # each script reads its own journal
rm -rf /etc/shipper* /run/shipper* /var/lib/holdfast /var/lib/shipper* /var/log/shipper* /var/log/app* /tmp/app*
true`
	if _, stderr, code, err := s.bed.Run(ctx, "/bin/sh", "-c", script); err != nil || code != 0 {
		t.Errorf("clearing the stage: code %d, %v\n%s", code, err, stderr)
	}
}

var commands = map[string]func(*testscript.TestScript, bool, []string){
	"svc": func(ts *testscript.TestScript, neg bool, args []string) {
		stageOf(ts).run(ts, neg, "", append([]string{"shipper", "--config", "/etc/shipper.toml"}, args...))
	},
	"sh": func(ts *testscript.TestScript, neg bool, args []string) {
		stageOf(ts).run(ts, neg, "", []string{"/bin/sh", "-c", one(ts, args)})
	},
	"as": func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) != 2 {
			ts.Fatalf("usage: as USER SCRIPT")
		}
		stageOf(ts).run(ts, neg, args[0], []string{"/bin/sh", "-c", args[1]})
	},
	"code": func(ts *testscript.TestScript, neg bool, args []string) {
		if got := fmt.Sprint(stageOf(ts).code); (got == one(ts, args)) == neg {
			ts.Fatalf("the exit code was %s", got)
		}
	},
	"until": func(ts *testscript.TestScript, _ bool, args []string) {
		stageOf(ts).until(ts, one(ts, args))
	},
	"json": func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) != 2 {
			ts.Fatalf("usage: json PATH VALUE")
		}
		got := lookup(ts, args[0])
		if (got == args[1]) == neg {
			ts.Fatalf("%s is %s", args[0], got)
		}
	},
	"put": func(ts *testscript.TestScript, _ bool, args []string) {
		if len(args) != 2 {
			ts.Fatalf("usage: put FILE PATH")
		}
		ts.Check(stageOf(ts).bed.Put(ts.MkAbs(args[0]), args[1], 0o644))
	},
	"adduser": func(ts *testscript.TestScript, _ bool, args []string) {
		s := stageOf(ts)
		ctx, done := wait.Context(ts, context.Background(), "add a user")
		defer done()
		_, err := s.bed.AddUser(ctx, one(ts, args))
		ts.Check(err)
	},
	"reboot": func(ts *testscript.TestScript, _ bool, _ []string) {
		ctx, done := wait.Context(ts, context.Background(), "reboot")
		defer done()
		ts.Check(stageOf(ts).bed.Reboot(ctx))
	},
	"powercut": func(ts *testscript.TestScript, _ bool, _ []string) {
		ctx, done := wait.Context(ts, context.Background(), "power cut")
		defer done()
		m, ok := stageOf(ts).bed.(interface {
			PowerCut() error
			PowerOn(ctx context.Context) error
		})
		if !ok {
			ts.Fatalf("nobody cuts this machine's power")
		}
		ts.Check(m.PowerCut())
		ts.Check(m.PowerOn(ctx))
	},
	"trial": tryCandidate,
	"repeat": func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) != 2 {
			ts.Fatalf("usage: repeat N SCRIPT")
		}
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		for round := range n {
			stdout, stderr, code := stageOf(ts).do(ts, "", []string{"/bin/sh", "-c", args[1]})
			if (code == 0) == neg {
				ts.Fatalf("round %d: exit code %d\n%s%s\nwhile:\n%s", round+1, code, stdout, stderr, stageOf(ts).scene())
			}
		}
	},
}

func one(ts *testscript.TestScript, args []string) string {
	if len(args) != 1 {
		ts.Fatalf("want one argument, got %q", args)
	}
	return args[0]
}

// do runs argv in the bed as user.
func (s *stage) do(ts *testscript.TestScript, user string, argv []string) (stdout, stderr string, code int) {
	ctx, done := wait.Context(ts, context.Background(), fmt.Sprintf("%q", argv))
	defer done()
	over := wait.Witness(s.scene)
	stdout, stderr, code, err := s.bed.RunAs(ctx, user, argv...)
	seen := over()
	if err != nil {
		ts.Fatalf("%q: %v\n%s%s", argv, err, seen, s.scene())
	}
	return stdout, stderr, code
}

// run is do, and leaves output and code to the script.
func (s *stage) run(ts *testscript.TestScript, neg bool, user string, argv []string) {
	stdout, stderr, code := s.do(ts, user, argv)
	s.code = code
	_, _ = ts.Stdout().Write([]byte(stdout))
	_, _ = ts.Stderr().Write([]byte(stderr))
	switch {
	case neg && code == 0:
		ts.Fatalf("%q succeeded, which it must not", argv)
	case !neg && code != 0:
		ts.Fatalf("%q: exit code %d", argv, code)
	}
}

// scene returns everything about the service that helps to find out why a script failed.
func (s *stage) scene() string {
	ctx, cancel := context.WithTimeout(context.Background(), wait.Limit)
	defer cancel()
	const script = "cat /run/shipper*/*.state.json; tail -n 30 /var/log/shipper*/*.log; ps -A -o pid,ppid,stat,etime,wchan:20,args; cat /proc/locks"
	stdout, stderr, _, err := s.bed.Run(ctx, "/bin/sh", "-c", script)
	return fmt.Sprint(stdout, stderr, err)
}

func (s *stage) until(ts *testscript.TestScript, script string) {
	var stdout, stderr string
	wait.Until(ts, script, func() (so bool) {
		var code int
		stdout, stderr, code = s.do(ts, "", []string{"/bin/sh", "-c", script})
		return code == 0
	}, func() string { return stdout + stderr + "\nbut:\n" + s.scene() })
}

// lookup returns the value at a.b.c in the JSON of the last standard output.
func lookup(ts *testscript.TestScript, path string) string {
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("no JSON: %v", err)
	}
	for _, key := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			ts.Fatalf("no %q in it", path)
		}
		v = m[key]
	}
	return fmt.Sprint(v)
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
