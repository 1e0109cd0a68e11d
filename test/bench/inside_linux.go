package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// insideVariable makes this program, in a bed, measure there what the order in its value says,
// and print the samples as JSON.
const insideVariable = "HOLDFAST_BENCH_INSIDE"

// An order says what is measured, and how much.
type order struct {
	Part                          string
	Warm, Rounds, Lines, Services int
}

// A sample is one value of one contestant, in the unit of the table.
type sample struct {
	Table, Row string
	Value      float64
}

// The tables of measurements on systemd.
const (
	installing      = "install, systemd"
	starting        = "install --start, systemd"
	uninstalling    = "uninstall, systemd"
	reloading       = "reload by command, systemd"
	asking          = "status, systemd"
	askingAll       = "status of many services, systemd"
	logging         = "log: a line to the journal"
	upgrading       = "upgrade: the service is away, systemd"
	rollingBack     = "upgrade to what never becomes ready: the service is away, systemd"
	restarting      = "a connection over a restart: its longest wait, systemd"
	rollingBackDeaf = "upgrade to what never becomes ready and heeds nothing: the service is away, systemd"

	bareCalls        = "the systemctl calls it needs"
	stopAndStart     = "systemctl stop + start"
	waitStopAndStart = "start_timeout + stop + start"
	byItself         = "upgrade, by its own account"
	byClient         = "upgrade, as a client sees it"
)

// The limits of the service. A Start that ignores the end of its context also uses up stopTimeout.
const (
	startTimeout = time.Second
	stopTimeout  = 4 * time.Second
)

// The paths of the service in the bed, as `install` chooses them.
const (
	servedProgram = "/usr/local/bin/served"
	servedConfig  = "/etc/served.toml"
	servedUnit    = "/etc/systemd/system/served.service"
	servedAddress = "@holdfast-bench-served"
	versionsDir   = "/root/versions" // of the program, as built
	programsDir   = "/usr/local/bin/"
	putServed     = "cp " + versionsDir + "/0 " + servedProgram
)

func isInside() bool { return os.Getenv(insideVariable) != "" }

// inside measures in the bed in which it runs.
func inside() error {
	in := &installed{}
	if err := json.Unmarshal([]byte(os.Getenv(insideVariable)), &in.order); err != nil {
		return err
	}
	measure := map[string]func() error{
		"installed": in.service, "upgrade": in.upgrades, "restart": in.restarts, "fleet": in.fleet,
	}[in.Part]
	if err := measure(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(in.samples)
}

// service measures the installed service.
func (in *installed) service() error {
	if err := in.learn(); err != nil {
		return err
	}
	if err := in.turns(in.round); err != nil {
		return err
	}
	return in.journal()
}

// upgrades measures upgrades, from the same version in each round.
func (in *installed) upgrades() error {
	return in.turns(func(int) error {
		if _, err := all(putServed, byService("install --start")); err != nil {
			return err
		}
		for range 2 { // back to the first version
			if err := in.upgrade(); err != nil {
				return err
			}
		}
		_, err := all(byService("uninstall --purge"), "rm -rf "+servedProgram+".versions")
		return err
	})
}

// turns plays all rounds, of which the first warms the caches.
func (in *installed) turns(play func(round int) error) error {
	for round := range in.Warm + in.Rounds {
		if round == in.Warm {
			in.samples = nil
		}
		if err := play(round); err != nil {
			return err
		}
	}
	return nil
}

// An installed is a service that is installed and removed.
type installed struct {
	order
	unit    []byte // the unit that `install` writes
	samples []sample
}

func (in *installed) add(table, row string, d time.Duration) {
	in.samples = append(in.samples, sample{table, row, milliseconds(d)})
}

// run runs a command, and returns its duration and output.
func run(argv ...string) (took time.Duration, stdout []byte, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	begun := time.Now()
	stdout, err = cmd.Output()
	took = time.Since(begun)
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s%s", strings.Join(argv, " "), err, stdout, stderr.String())
	}
	return took, stdout, err
}

// all runs commands one after the other, and returns how long they took together.
func all(commands ...string) (took time.Duration, err error) {
	for _, c := range commands {
		t, _, err := run(strings.Fields(c)...)
		if err != nil {
			return 0, err
		}
		took += t
	}
	return took, nil
}

func byService(command string) string {
	return servedProgram + " --config " + servedConfig + " " + command
}

// learn reads the definition that `install` writes, for the installation by hand.
func (in *installed) learn() error {
	if _, err := all(putServed, byService("install")); err != nil {
		return err
	}
	var err error
	if in.unit, err = os.ReadFile(servedUnit); err != nil {
		return err
	}
	_, err = all(byService("uninstall --purge"))
	return err
}

func (in *installed) round(round int) error {
	turns := []func() error{in.byHand, in.byInstall}
	for i := range turns {
		if err := turns[(i+round)%len(turns)](); err != nil {
			return err
		}
	}
	if _, err := all(byService("install --start")); err != nil {
		return err
	}
	if err := in.asked(); err != nil {
		return err
	}
	_, err := all(byService("uninstall --purge"))
	return err
}

// byHand does only what `install` has to ask of systemd.
func (in *installed) byHand() error {
	for table, start := range map[string][]string{installing: nil, starting: {"systemctl start served.service"}} {
		if err := os.WriteFile(servedUnit, in.unit, 0o644); err != nil {
			return err
		}
		took, err := all(append([]string{"systemctl daemon-reload", "systemctl enable served.service"}, start...)...)
		if err != nil {
			return err
		}
		in.add(table, bareCalls, took)
		took, err = all("systemctl disable --now served.service", "rm "+servedUnit, "systemctl daemon-reload")
		if err != nil {
			return err
		}
		if start == nil {
			in.add(uninstalling, bareCalls, took)
		}
	}
	return nil
}

func (in *installed) byInstall() error {
	for table, command := range map[string]string{installing: "install", starting: "install --start"} {
		took, err := all(byService(command))
		if err != nil {
			return err
		}
		in.add(table, command, took)
		if took, err = all(byService("uninstall --purge")); err != nil {
			return err
		}
		if table == installing {
			in.add(uninstalling, "uninstall --purge", took)
		}
	}
	return nil
}

// upgrade changes to the other version, after two versions that never become ready.
func (in *installed) upgrade() error {
	var took [3]time.Duration
	for i, verb := range []string{"stop", "start", "restart"} {
		var err error
		if took[i], err = all("systemctl " + verb + " served.service"); err != nil {
			return err
		}
	}
	stop, start, restart := took[0], took[1], took[2]
	in.add(upgrading, stopAndStart, stop+start)
	in.add(upgrading, "systemctl restart", restart)
	in.add(rollingBack, waitStopAndStart, startTimeout+stop+start)
	in.add(rollingBackDeaf, waitStopAndStart, startTimeout+stopTimeout+start)
	for _, turn := range []struct {
		table, version, result string
	}{
		{rollingBackDeaf, "deaf", "rolled-back"},
		{rollingBack, "hangs", "rolled-back"},
		{upgrading, "1", "confirmed"},
	} {
		seen := watch()
		_, out, err := run(strings.Fields(byService("upgrade --json --force --settle 200ms " + filepath.Join(versionsDir, turn.version)))...)
		away := seen()
		var done struct {
			Result   string
			Reason   string
			Downtime time.Duration `json:"downtime_ns"`
		}
		if e := json.Unmarshal(out, &done); e != nil || done.Result != turn.result {
			return fmt.Errorf("it is %q (%s) and not %s: %w", done.Result, done.Reason, turn.result, errors.Join(err, e))
		}
		in.add(turn.table, byItself, done.Downtime)
		in.add(turn.table, byClient, away)
	}
	return swap()
}

// swap gives the other version the name 1.
func swap() error {
	_, err := all("mv "+versionsDir+"/0 "+versionsDir+"/x", "mv "+versionsDir+"/1 "+versionsDir+"/0", "mv "+versionsDir+"/x "+versionsDir+"/1")
	return err
}

// watch checks the service from outside until away is called, which returns how long the
// service was not available.
func watch() (away func() time.Duration) {
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		last, most := time.Now(), time.Duration(0)
		for {
			conn, err := net.Dial("unix", servedAddress)
			if now := time.Now(); err == nil {
				_ = conn.Close()
				most, last = max(most, now.Sub(last)), now
			}
			select {
			case <-stop:
				longest <- most
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-longest
	}
}
