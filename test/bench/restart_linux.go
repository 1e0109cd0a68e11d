package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"syscall"
	"time"
)

// The services that are restarted. Only the last is with holdfast.
const (
	sandboxed = "socket unit, bare Go, sandboxed alike"
	activated = "socket unit, bare Go"
	plain     = "net.Listen, connecting until accepted"
	flipped   = "tableflip"
	kept      = "holdfast"
)

// restarts measures the longest wait of a connection for its answer, over a restart. Unless
// the program listens by itself, each connection is answered at the first attempt.
func (in *installed) restarts() error {
	const config = "/etc/keeps.toml"
	if err := os.WriteFile(config, []byte("[service.restart]\nmax = 1000\n[[service.socket]]\nname = \"answer\"\nlisten = \"tcp:127.0.0.1:8000\"\n"), 0o600); err != nil {
		return err
	}
	if _, err := all("keeps --config " + config + " install --start"); err != nil {
		return err
	}
	sandbox, err := os.ReadFile("/etc/systemd/system/keeps.service")
	if err != nil {
		return err
	}
	const bare = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=notify\nExecStart=/usr/local/bin/listens"
	for name, text := range map[string]string{
		"activated.socket":  "[Socket]\nListenStream=127.0.0.1:8001\n",
		"activated.service": bare + "\n",
		"sandboxed.socket":  "[Socket]\nListenStream=127.0.0.1:8002\n",
		"sandboxed.service": regexp.MustCompile("(?m)^ExecStart=.*").ReplaceAllString(string(sandbox), "ExecStart=/usr/local/bin/listens"),
		"plain.service":     bare + " 127.0.0.1:8003\n",
		"flips.service":     "[Service]\nPIDFile=/run/flips.pid\nExecStart=/usr/local/bin/flips 127.0.0.1:8004 /run/flips.pid\n",
	} {
		if err := os.WriteFile("/etc/systemd/system/"+name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	if _, err := all("systemctl daemon-reload", "systemctl start activated.socket sandboxed.socket plain flips"); err != nil {
		return err
	}
	restart := func(unit string) func(int) error {
		return func(int) error { _, err := all("systemctl restart " + unit); return err }
	}
	for round := range in.Warm + in.Rounds {
		for _, c := range []struct {
			name, address string
			restart       func(pid int) error
		}{
			{activated, "127.0.0.1:8001", restart("activated")},
			{sandboxed, "127.0.0.1:8002", restart("sandboxed")},
			{plain, "127.0.0.1:8003", restart("plain")},
			{flipped, "127.0.0.1:8004", func(pid int) error { return syscall.Kill(pid, syscall.SIGHUP) }},
			{kept, "127.0.0.1:8000", restart("keeps")},
		} {
			longest, err := waited(c.address, c.name == plain, c.restart)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round >= in.Warm {
				in.add(restarting, c.name, longest)
			}
		}
	}
	return nil
}

// waited connects, once a millisecond, from before restart is called until another process
// answers. It returns the longest time from the first attempt to connect to the answer. Only
// if again is true, there may be a second attempt.
func waited(address string, again bool, restart func(pid int) error) (longest time.Duration, err error) {
	first, _, err := answered(address, true)
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- restart(first) }()
	begun, pid := time.Now(), first
	for returned := false; pid == first || !returned; {
		var took time.Duration
		if pid, took, err = answered(address, again); err != nil {
			return 0, err
		}
		longest = max(longest, took)
		if time.Since(begun) > patience {
			return 0, errors.New("it does not restart")
		}
		select {
		case err := <-done:
			if returned = true; err != nil {
				return 0, err
			}
		case <-time.After(time.Millisecond):
		}
	}
	return longest, nil
}

// answered returns which process answers, and after how long.
func answered(address string, again bool) (pid int, took time.Duration, err error) {
	for begun := time.Now(); ; time.Sleep(100 * time.Microsecond) {
		pid, err = ask(address)
		if took = time.Since(begun); err == nil || !again || took > patience {
			return pid, took, err
		}
	}
}

func ask(address string) (pid int, err error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	_, err = fmt.Fscanln(conn, &pid)
	return pid, err
}
