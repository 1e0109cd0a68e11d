//go:build linux

package test_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// windows is a machine with the shipper on it. What needs no machine of its own, package test/windows tries.
type windows struct {
	*bed.Bed
	t *testing.T
}

const (
	windowsDrive  = "/wine/drive_c/"
	windowsConfig = `[service.log]
sink = 'file'
file = 'C:\shipper.log'
[shipper]
inputs = ['C:\app.log']
output = 'C:\shipped.log'
`
)

func newWindows(t *testing.T) windows {
	t.Helper()
	w := windows{bed.Require(t, "wine"), t}
	exe := filepath.Join(t.TempDir(), "shipper.exe")
	build := exec.Command("go", "build", "-o", exe, "../examples/shipper")
	build.Env = append(build.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if err := w.Put(exe, windowsDrive+"shipper.exe", 0o755); err != nil {
		t.Fatal(err)
	}
	w.write("shipper.toml", windowsConfig)
	w.write("app.log", "one\n")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the shipper's log:\n%s", w.read("shipper.log"))
		}
	})
	return w
}

func (w windows) write(name, text string) {
	w.t.Helper()
	if err := w.Write(windowsDrive+name, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// log appends a line to what is shipped, in place: the service may have the file open already, or not yet.
func (w windows) log(line string) {
	w.t.Helper()
	w.MustRun(w.t, "sh", "-c", `echo "$1" >>"$2"`, "sh", line, windowsDrive+"app.log")
}

func (w windows) read(name string) string {
	w.t.Helper()
	data, err := w.Read(windowsDrive + name)
	if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, bed.ErrOff) {
		w.t.Error(err)
	}
	return string(data)
}

func (w windows) shipper(args ...string) string {
	w.t.Helper()
	argv := append([]string{"wine", `C:\shipper.exe`}, args...)
	return w.MustRun(w.t, append(argv, "--config", `C:\shipper.toml`)...)
}

// ships waits until exactly that has been shipped.
func (w windows) ships(want string) {
	w.t.Helper()
	wait.Until(w.t, fmt.Sprintf("%q is shipped", want), func() bool { return len(w.read("shipped.log")) >= len(want) },
		func() string { return fmt.Sprintf("it is %q", w.read("shipped.log")) })
	if got := w.read("shipped.log"); got != want {
		w.t.Fatalf("shipped %q, want %q", got, want)
	}
}

// The machine reboots, and the service comes up by itself. Then the power is cut while the
// service runs (Cronicle). The service comes up again and knows about the power cut.
// Nothing is lost or shipped twice.
func TestIncident1_PowerCutOnWindows(t *testing.T) {
	t.Parallel()
	w := newWindows(t)
	// An automatic start is delayed by 2 min, unless the machine says otherwise.
	w.MustRun(t, "wine", "reg", "add", `HKLM\SYSTEM\CurrentControlSet\Control`, "/v", "AutoStartDelay", "/t", "REG_DWORD", "/d", "1000")
	w.shipper("install", "--start")
	w.ships("one\n")
	// Wine writes the registry to the disk when it goes down, and ends services without waiting for their stop.
	if err := w.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.log("two")
	w.ships("one\ntwo\n")
	w.shipper("status")

	before := strings.Count(w.read("shipper.log"), "did not end cleanly")
	if err := w.PowerCut(); err != nil {
		t.Fatal(err)
	}
	if err := w.PowerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.log("three")
	w.ships("one\ntwo\nthree\n")
	w.shipper("status")
	if after := strings.Count(w.read("shipper.log"), "did not end cleanly"); after != before+1 {
		t.Error("the power cut went unnoticed")
	}
	w.shipper("stop")
	w.shipper("uninstall")
}

// The power fails in the middle of a trial. Afterwards the confirmed version runs, and the
// next call knows what happened.
func TestUpgradePowerCutOnWindows(t *testing.T) {
	t.Parallel()
	w := windows{bed.Require(t, "wine"), t}
	exe := filepath.Join(t.TempDir(), "candidate.exe")
	build := exec.Command("go", "build", "-o", exe, "./behaviour/candidate")
	build.Env = append(build.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	for name, mark := range map[string]string{"shipper.exe": "1 good", "new.exe": "2 good"} {
		if err := w.Write(windowsDrive+name, append(program[:len(program):len(program)], "\nholdfast-candidate: "+mark+"\n"...), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w.write("shipper.toml", "[service]\nstart_timeout = '60s'\n")
	w.MustRun(t, "wine", "reg", "add", `HKLM\SYSTEM\CurrentControlSet\Control`, "/v", "AutoStartDelay", "/t", "REG_DWORD", "/d", "1000")
	runs := func(what string) {
		t.Helper()
		var out string
		wait.Until(t, what, func() bool {
			out, _, _, _ = w.Run(t.Context(), "wine", `C:\shipper.exe`, "status", "--json", "--config", `C:\shipper.toml`)
			return strings.Contains(out, what) && strings.Contains(out, `"ready": true`)
		}, func() string { return out })
	}
	w.shipper("install", "--start")
	if err := w.Reboot(t.Context()); err != nil { // Wine writes the registry to the disk when it goes down
		t.Fatal(err)
	}
	runs(`"version": "1"`)
	w.MustRun(t, "sh", "-c", `setsid wine 'C:\shipper.exe' upgrade --config 'C:\shipper.toml' --settle 1h --timeout 2h 'C:\new.exe' >/dev/null 2>&1 </dev/null &`)
	runs(`"trial"`)
	if err := w.PowerCut(); err != nil {
		t.Fatal(err)
	}
	if err := w.PowerOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs(`"version": "1"`)
	if out := w.shipper("versions", "--json"); !strings.Contains(out, `"result": "interrupted"`) {
		t.Errorf("the trial is %s", out)
	}
	w.shipper("upgrade", "--settle", "1s", `C:\new.exe`)
	runs(`"version": "2"`)
	w.shipper("stop")
	w.shipper("uninstall")
}
