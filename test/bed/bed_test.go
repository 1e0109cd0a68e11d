package bed_test

import (
	"context"
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// Tests that do not disturb each other share a boot.
func TestInside(t *testing.T) {
	t.Parallel()
	bed.Each(t, "", func(t *testing.T, b *bed.Bed) {
		t.Run("init runs", func(t *testing.T) { initRuns(t, b) })
		t.Run("commands run", func(t *testing.T) { runs(t, b) })
		t.Run("a command's daemon is spared", func(t *testing.T) { sparesDaemon(t, b) })
		t.Run("a cancelled command is killed with its group", func(t *testing.T) { cancelKillsTheGroup(t, b) })
		t.Run("files", func(t *testing.T) { filesOf(t, b) })
	})
}

func initRuns(t *testing.T, b *bed.Bed) {
	kind := b.Kind()
	var got, want string
	switch kind.Manager {
	case "systemd":
		want = "systemd " + kind.Version
		got, _, _ = strings.Cut(b.MustRun(t, "systemctl", "--version"), " (")
		if state := b.MustRun(t, "systemctl", "is-system-running", "--wait"); state != "running\n" {
			t.Errorf("system is %q\n%s", state, b.MustRun(t, "systemctl", "--failed"))
		}
	case "openrc":
		want = "openrc (OpenRC) " + kind.Version
		got = strings.TrimSpace(b.MustRun(t, "openrc", "--version"))
		if level := b.MustRun(t, "rc-status", "--runlevel"); level != "default\n" {
			t.Errorf("runlevel %q", level)
		}
	case "scm":
		want = "wine-" + kind.Version + "."
		got = b.MustRun(t, "wine", "--version")
		got = got[:min(len(got), len(want))]
	default:
		want, got = "N 2", strings.TrimSpace(b.MustRun(t, "runlevel"))
	}
	if got != want {
		t.Errorf("init says %q, want %q", got, want)
	}
	if host := b.MustRun(t, "hostname"); host != b.Name()+"\n" {
		t.Errorf("host name %q, want %q", host, b.Name())
	}
	if lo := string(must(b.Read("/proc/1/net/route"))); strings.Contains(lo, "eth") {
		t.Errorf("the bed has a route out:\n%s", lo)
	}
	if _, _, code, err := b.Run(t.Context(), "grep", "-q", "127.0.0.1", "/proc/net/fib_trie"); code != 0 || err != nil {
		t.Errorf("lo is not up: grep exits %d, %v", code, err)
	}
}

func runs(t *testing.T, b *bed.Bed) {
	for _, tc := range []struct {
		name           string
		argv           []string
		stdout, stderr string
		code           int
	}{
		{name: "code and both streams", argv: sh("echo out; echo err >&2; exit 7"), stdout: "out\n", stderr: "err\n", code: 7},
		{name: "streams opened by name", argv: sh("echo a >/dev/stderr; echo b >/dev/stderr"), stderr: "a\nb\n"},
		{name: "argument kept whole", argv: []string{"printf", "%s", "a b'$HOME\"\\"}, stdout: "a b'$HOME\"\\"},
		{name: "option-like argument", argv: []string{"echo", "--all"}, stdout: "--all\n"},
		{name: "environment", argv: sh("echo $USER $HOME $LANG ${LEAK-none}"), stdout: "root /root C.UTF-8 none\n"},
		{name: "directory", argv: []string{"pwd"}, stdout: "/\n"},
		{name: "long output", argv: sh("head -c 3000000 /dev/zero | tr '\\0' x"), stdout: strings.Repeat("x", 3000000)},
		{name: "daemon keeps the output", argv: sh("sleep 1000 & echo up"), stdout: "up\n"},
	} {
		stdout, stderr, code, err := b.Run(t.Context(), tc.argv...)
		if stdout != tc.stdout || stderr != tc.stderr || code != tc.code || err != nil {
			t.Errorf("%s: got %.200q, %.200q, %d, %v; want %.200q, %.200q, %d",
				tc.name, stdout, stderr, code, err, tc.stdout, tc.stderr, tc.code)
		}
	}
	if _, stderr, code, err := b.Run(t.Context(), "nonesuch"); code != 127 || err != nil || !strings.Contains(stderr, "nonesuch") {
		t.Errorf("unknown program: code %d, %v, stderr %q", code, err, stderr)
	}
	var exit *exec.ExitError
	if _, _, code, err := b.Run(t.Context(), "sh", "-c", "kill -9 $$"); !errors.As(err, &exit) || code != -1 {
		t.Errorf("killed command: code %d, %v", code, err)
	}
}

// A daemon that outlives the command that started it may continue to write: nobody reads it,
// and nothing kills it.
func sparesDaemon(t *testing.T, b *bed.Bed) {
	b.MustRun(t, sh("mkfifo /run/go /run/went; (read x </run/go; echo late; echo late >&2; echo alive >/run/went) & echo up")...)
	b.MustRun(t, sh("echo >/run/go")...)
	if got := b.MustRun(t, "cat", "/run/went"); got != "alive\n" {
		t.Errorf("the daemon says %q after it wrote to its standard output", got)
	}
}

func cancelKillsTheGroup(t *testing.T, b *bed.Bed) {
	b.MustRun(t, "mkfifo", "/run/up")
	left, cancelLeft := context.WithCancel(t.Context())
	leaver := b.Command(left, "setsid", "sleep", "4321") // leaves the process group, but is the command all the same
	if err := leaver.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancelLeft()
		if err := leaver.Wait(); err == nil {
			t.Error("a cancelled command ended well")
		}
		if _, _, code, err := b.Run(t.Context(), "pgrep", "-f", "^sleep 4321"); err != nil || code != 1 {
			t.Errorf("it runs on: %d, %v", code, err)
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, _, _, err := b.Run(ctx, sh("sleep 1234 & echo >/run/up; wait")...)
		ended <- err
	}()
	b.MustRun(t, "cat", "/run/up")
	cancel()
	if err := wait.For(t, "the cancelled command has returned", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
	wait.Until(t, "the child is gone", func() bool {
		_, _, code, err := b.Run(t.Context(), "pgrep", "-f", "^sleep 1234")
		return err == nil && code == 1
	})
}

func filesOf(t *testing.T, b *bed.Bed) {
	program, err := exec.LookPath("true")
	if err != nil {
		t.Skip(err)
	}
	if err := b.Put(program, "/opt/new/dir/prog", 0o751); err != nil {
		t.Fatal(err)
	}
	if got := b.MustRun(t, "stat", "-c", "%a %U:%G", "/opt/new", "/opt/new/dir/prog"); got != "755 root:root\n751 root:root\n" {
		t.Errorf("modes %q", got)
	}
	if err := b.Write("/opt/setuid", nil, 0o755|fs.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if got := b.MustRun(t, "stat", "-c", "%a", "/opt/setuid"); got != "4755\n" {
		t.Errorf("mode %q", got)
	}
	// /var/run is an absolute link to /run: it must lead to the bed's, and Write must see the tmpfs there.
	if err := b.Write("/var/run/holdfast-bed-test", []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := b.MustRun(t, "cat", "/run/holdfast-bed-test"); got != "x\n" {
		t.Errorf("/run/holdfast-bed-test is %q", got)
	}
	if got, err := b.Read("/var/run/holdfast-bed-test"); string(got) != "x\n" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := b.Read("/nonesuch"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read of a missing file: %v", err)
	}
	// A running program can be replaced.
	b.MustRun(t, sh("cp /bin/sleep /opt/busy; (/opt/busy 1000 &) ; echo")...)
	if err := b.Put(program, "/opt/busy", 0o755); err != nil {
		t.Error(err)
	}
}

func TestUserManager(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		uid, err := b.AddUser(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		check := func() {
			t.Helper()
			want := "alice /home/alice /run/user/" + strconv.Itoa(uid) + "\n"
			if got := b.MustRunAs(t, "alice", sh("echo $(id -un) $HOME $XDG_RUNTIME_DIR")...); got != want {
				t.Errorf("user is %q, want %q", got, want)
			}
			if got := b.MustRunAs(t, "alice", "systemctl", "--user", "is-system-running", "--wait"); got != "running\n" {
				t.Errorf("the user's manager is %q", got)
			}
		}
		check()
		b.MustRunAs(t, "alice", "systemd-run", "--user", "--unit=nap", "sleep", "1000")
		if got := b.MustRunAs(t, "alice", "systemctl", "--user", "is-active", "nap"); got != "active\n" {
			t.Errorf("unit of the user is %q", got)
		}
		if err := b.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.MustRun(t, "systemctl", "start", "user@"+strconv.Itoa(uid)+".service") // waits until it is up
		check()
		if _, _, _, err := b.RunAs(t.Context(), "nobody-here", "true"); err == nil {
			t.Error("ran as a user that does not exist")
		}
	})
}

// Tests prove hardened units on beds, so the sandbox must work there, in the system's manager
// and in a user's.
func TestSandbox(t *testing.T) {
	t.Parallel()
	bed.Each(t, "systemd", func(t *testing.T, b *bed.Bed) {
		if _, err := b.AddUser(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		hardened := func(more ...string) []string {
			argv := append([]string{"systemd-run", "--quiet", "--wait", "--pipe"}, more...)
			for _, option := range []string{
				"ProtectSystem=strict", "PrivateTmp=yes", "PrivateDevices=yes", "PrivateUsers=yes", "ProtectHostname=yes",
				"ProtectClock=yes", "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes",
				"ProtectControlGroups=yes", "ProtectProc=invisible", "RestrictNamespaces=yes",
				"RestrictAddressFamilies=AF_UNIX AF_INET", "RestrictSUIDSGID=yes", "LockPersonality=yes",
				"MemoryDenyWriteExecute=yes", "SystemCallArchitectures=native", "SystemCallFilter=@system-service",
				"SystemCallErrorNumber=EPERM", "CapabilityBoundingSet=", "NoNewPrivileges=yes",
			} {
				argv = append(argv, "--property="+option)
			}
			return append(argv, sh("touch /usr/x /etc/x; echo $(ls /tmp | wc -l) $(unshare -U true 2>/dev/null && echo unshared)")...)
		}
		b.MustRun(t, sh("touch /tmp/seen; chmod 1777 /etc")...) // the mode would let anyone write
		for who, argv := range map[string][]string{"": hardened(), "alice": hardened("--user")} {
			stdout, stderr, code, err := b.RunAs(t.Context(), who, argv...)
			if stdout != "0\n" || code != 0 || err != nil || strings.Count(stderr, "Read-only file system") != 2 {
				t.Errorf("%s %q:\nstdout %q, stderr %q, code %d, %v", who, argv, stdout, stderr, code, err)
			}
		}
	})
}

func TestPower(t *testing.T) {
	t.Parallel()
	bed.Each(t, "", func(t *testing.T, b *bed.Bed) {
		if err := b.Write("/etc/kept", []byte("kept"), 0o644); err != nil {
			t.Fatal(err)
		}
		bootID := func() string { return string(must(b.Read("/proc/sys/kernel/random/boot_id"))) }
		seen := make(map[string]string)
		again := func(how string) {
			t.Helper()
			if id := bootID(); seen[id] != "" {
				t.Errorf("%s: boot id of %s again", how, seen[id])
			} else {
				seen[id] = how
			}
			if got, err := b.Read("/etc/kept"); string(got) != "kept" || err != nil {
				t.Errorf("%s: file on disk is %q, %v", how, got, err)
			}
			if _, err := b.Read("/run/lost"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: /run survived: %v", how, err)
			}
			if err := b.Write("/run/lost", nil, 0o644); err != nil {
				t.Error(err)
			}
		}
		again("first boot")
		if err := b.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		again("reboot")

		// Powered off from inside, the machine is off until somebody switches it on.
		off := b.Off()
		_, _, _, _ = b.Run(t.Context(), "reboot") // its connection may be cut
		wait.For(t, "the machine is off after reboot", off, b.Console)
		if _, _, _, err := b.Run(t.Context(), "true"); !errors.Is(err, bed.ErrOff) {
			t.Errorf("command while off: %v", err)
		}
		if _, err := b.Read("/etc/kept"); !errors.Is(err, bed.ErrOff) {
			t.Errorf("read while off: %v", err)
		}
		if pid := b.Leader(); pid != 0 {
			t.Errorf("leader %d while off", pid)
		}
		if err := b.PowerOn(t.Context()); err != nil {
			t.Fatal(err)
		}
		again("reboot from the inside")
		if err := b.PowerOn(t.Context()); err == nil {
			t.Error("switched on twice")
		}

		if err := b.PowerCut(); err != nil {
			t.Fatal(err)
		}
		if err := b.PowerOff(t.Context()); err != nil {
			t.Errorf("power off when off: %v", err)
		}
		if err := b.PowerOn(t.Context()); err != nil {
			t.Fatal(err)
		}
		again("power cut")
	})
}

func TestSideBySide(t *testing.T) {
	t.Parallel()
	bed.Require(t, bed.Known()[0].Name) // skips, and runs beside the others
	kinds := append(bed.Kinds(), bed.Kinds()...)
	beds := make([]*bed.Bed, len(kinds))
	errs := make([]error, len(kinds))
	together(len(kinds), func(i int) { beds[i], errs[i] = bed.Boot(t.Context(), kinds[i]) })
	spaces := make(map[string]bool)
	for i, b := range beds {
		if errs[i] != nil {
			t.Error(errs[i])
			continue
		}
		file := filepath.Join("/etc", b.Name())
		if err := b.Write(file, nil, 0o644); err != nil {
			t.Error(err)
		}
		if got := b.MustRun(t, sh("echo /etc/bed-*")...); got != file+"\n" {
			t.Errorf("files of other beds: %q", got)
		}
		links := b.MustRun(t, "readlink", "/proc/1/ns/net", "/proc/1/ns/pid", "/proc/1/ns/mnt", "/proc/1/ns/cgroup")
		for line := range strings.Lines(links) {
			if spaces[line] {
				t.Errorf("two beds share %s", line)
			}
			spaces[line] = true
		}
	}
	together(len(beds), func(i int) {
		if beds[i] != nil {
			errs[i] = beds[i].Close()
		}
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// together calls fn with 0 to n-1, each in a goroutine, and waits for all.
func together(n int, fn func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fn(i) })
	}
	all.Wait()
}

func sh(script string) []string { return []string{"sh", "-c", script} }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
