package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// The test binary plays the holder of the locks and the bad programs, too.
func TestMain(m *testing.M) {
	if isHolder() {
		hold()
		return
	}
	badProgram(os.Args[len(os.Args)-1])
	os.Exit(m.Run())
}

// atOnce are the options of a test: few rounds, and builds that share the cache with those of the other tests.
func atOnce(t *testing.T) options {
	return options{rounds: 1, settle: 5 * time.Millisecond, disk: t.TempDir(), amounts: few()}
}

// Every program becomes ready, reloads and stops, every lock is taken and refused, and all of it takes some time. How
// much is not judged here.
func TestEverythingIsMeasured(t *testing.T) {
	t.Setenv("BEDS_DIR", "/nonexistent")
	o := atOnce(t)
	tables, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	titles := make(map[string]bool)
	inBeds := []string{"an installed service", "an upgrade", "a connection over a restart", "status of many services"}
	for _, measured := range tables {
		what, _, _ := strings.Cut(measured.title, ",")
		titles[what] = true
		for _, r := range measured.rows {
			if r.note != "" {
				if strings.HasPrefix(r.note, "not measured: it needs a bed") && slices.Contains(inBeds, what) {
					continue
				}
				if len(r.values) > 0 || r.name != "kardianos/service" {
					t.Errorf("%s: %s: %v, %q", measured.title, r.name, r.values, r.note)
				}
				continue
			}
			if len(r.values) == 0 {
				t.Errorf("%s: %s: not measured", measured.title, r.name)
			}
			for _, v := range r.values {
				if v < 0 || v == 0 && measured.unit != "allocations" && measured.unit != "wake-ups" && !strings.HasPrefix(what, "SIGHUP in the first") {
					t.Errorf("%s: %s: %v %s", measured.title, r.name, v, measured.unit)
				}
			}
		}
		if text := measured.String(); !strings.Contains(text, measured.rows[0].name) {
			t.Errorf("%s is printed as\n%s", measured.title, text)
		}
	}
	for _, what := range []string{
		"exec -> READY", "SIGTERM -> reaped", "SIGHUP -> Reload called", "SIGHUP -> READY again", "refusal of a second instance", "exec -> READY after kill -9",
		"processor time of a life", "page faults of a life", "SIGHUP in the first 8ms: killed", "idle RSS", "binary size",
		"3 instances at once: the last is READY", "exec -> READY of service.Run", "refusal by service.Run", "wake-ups of an idle program in 50ms",
		"processor time of a health check", "log: a line to a file", "log: a line to a file as JSON",
		"a log that nobody reads: SIGTERM -> the name is free", "a log that nobody reads: SIGTERM -> reaped",
		"journal: begin and finish by one writer (disk)", "journal: 1000 open entries",
		"an installed service", "an upgrade", "a connection over a restart", "status of many services", "a connection is accepted and answered", "lock: acquire + release", "lock: refusal", "reload gate: a request among those of all processors", "reload gate: allocations of a request",
	} {
		if !titles[what] {
			t.Errorf("not measured: %s", what)
		}
	}
	left, err := os.ReadDir(o.disk)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// So is an installed service, where there is a bed.
func TestInstalledIsMeasured(t *testing.T) {
	if _, err := bed.Find(bedKind); err != nil || os.Geteuid() != 0 || testing.Short() {
		t.Skipf("there is no bed %s for root: %v", bedKind, err)
	}
	o := atOnce(t)
	o.only = "installed,upgrade,restart,fleet"
	tables, err := measure(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 11 {
		t.Errorf("%d tables", len(tables))
	}
	for _, measured := range tables {
		for _, r := range measured.rows {
			if len(r.values) == 0 || slices.Min(r.values) <= 0 || r.note != "" {
				t.Errorf("%s: %s: %v, %q", measured.title, r.name, r.values, r.note)
			}
		}
		t.Log(measured)
	}
}

func TestNothingToMeasure(t *testing.T) {
	for _, o := range []options{{}, {rounds: 1, only: "lives"}} {
		if tables, err := measure(t.Context(), o); err == nil {
			t.Errorf("%+v: %d tables and no error", o, len(tables))
		}
	}
}

// A program that does not do what is wanted of it is an error with its log, and does not stay.
func TestBadPrograms(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, role string
		reloads    bool
		says       string
	}{
		"is absent":             {"/nonexistent/program", "", true, "no such file"},
		"never becomes ready":   {self, "dies at once", true, "waiting for READY=1: it has ended\noh no"},
		"dies of a reload":      {self, "obeys nothing", true, "waiting for its report: it has ended"},
		"does not stop cleanly": {self, "obeys nothing", false, "signal: terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := contestant{name: name, path: c.path, args: []string{c.role}, reloads: c.reloads}.live(t.TempDir(), time.Millisecond, 1)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
		})
	}
}

// badProgram is a program of which TestBadPrograms speaks.
func badProgram(role string) {
	switch role {
	case "dies at once":
		fmt.Fprintln(os.Stderr, "oh no")
		os.Exit(3)
	case "obeys nothing":
		conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
		if err == nil {
			_, err = conn.Write([]byte("READY=1\n"))
		}
		if err != nil {
			panic(err)
		}
		// SIGTERM has its default effect; SIGHUP may be ignored: nohup(1).
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		<-hangup
		os.Exit(3)
	}
}
