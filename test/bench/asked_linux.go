package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// asked measures what is asked of a service that runs. Who asks takes turns.
func (in *installed) asked() error {
	for _, turn := range []struct{ table, row, command string }{
		{asking, "systemctl show", "systemctl show served.service"},
		{asking, "status", byService("status")},
		{asking, "systemctl status", "systemctl --no-pager status served.service"},
		{reloading, "systemctl reload", "systemctl reload served.service"},
		{reloading, "reload", byService("reload")},
	} {
		took, err := all(turn.command)
		if err != nil {
			return err
		}
		in.add(turn.table, turn.row, took)
	}
	return nil
}

// The files of the service that `fleet status` reads.
const (
	servedState    = "/run/served/served.state.json"
	servedManifest = "/var/lib/holdfast/served.json"
)

// fleet measures the status of many services. They have the files of one, which runs, under
// names of their own, and units that run nothing.
func (in *installed) fleet() error {
	const unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
	if err := os.WriteFile("/etc/systemd/system/many@.service", []byte(unit), 0o644); err != nil {
		return err
	}
	if _, err := all(putServed, byService("install --start")); err != nil {
		return err
	}
	start, show := []string{"systemctl", "start"}, []string{"systemctl", "show"}
	for i := range in.Services - 1 {
		name := fmt.Sprintf("many%d", i)
		if err := os.Mkdir(filepath.Join("/run", name), 0o755); err != nil {
			return err
		}
		for from, to := range map[string]string{
			servedState:    filepath.Join("/run", name, name+".state.json"),
			servedManifest: filepath.Join(filepath.Dir(servedManifest), name+".json"),
		} {
			content, err := os.ReadFile(from)
			if err != nil {
				return err
			}
			if err := os.WriteFile(to, bytes.ReplaceAll(content, []byte(`"served"`), []byte(`"`+name+`"`)), 0o644); err != nil {
				return err
			}
		}
		start, show = append(start, fmt.Sprintf("many@%d.service", i)), append(show, fmt.Sprintf("many@%d.service", i))
	}
	if _, _, err := run(start...); err != nil {
		return err
	}
	for round := range in.Warm + in.Rounds {
		for _, turn := range []struct {
			row  string
			argv []string
			says string // as often as there are services
		}{
			{"systemctl list-units", []string{"systemctl", "--no-pager", "--plain", "list-units", "--type=service"}, "many@"},
			{"fleet status", strings.Fields(byService("fleet status")), "many"},
			{"systemctl show", show, "\nId=many@"},
		} {
			took, out, err := run(turn.argv...)
			if n := strings.Count(string(out), turn.says); err == nil && n < in.Services-1 {
				err = fmt.Errorf("%s shows %d services of %d", turn.row, n, in.Services-1)
			}
			if err != nil {
				return err
			}
			if round >= in.Warm {
				in.add(askingAll, turn.row, took)
			}
		}
	}
	return nil
}

// journal measures lines to the journal, until it has taken them.
func (in *installed) journal() error {
	for round := range in.Warm + in.Rounds {
		for _, l := range []logger{
			{"go-systemd", writeGoSystemd},
			{"raw datagrams", writeDatagrams},
			{"holdfast", writeSink(logsink.Options{Sink: "journald"})},
		} {
			took, err := l.lines("", in.Lines)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			if round >= in.Warm {
				in.samples = append(in.samples, sample{logging, l.name, microseconds(took)})
			}
		}
	}
	return nil
}

func writeGoSystemd(string) (func() error, func() error, error) {
	say := func() error {
		return journal.Send("request served: method=GET path=/index.html status=200", journal.PriInfo,
			map[string]string{"SYSLOG_IDENTIFIER": "bench", "METHOD": "GET", "PATH": "/index.html", "STATUS": "200"})
	}
	return say, func() error { return nil }, nil
}

// writeDatagrams speaks systemd's native protocol of the journal.
func writeDatagrams(string) (func() error, func() error, error) {
	conn, err := net.Dial("unixgram", "/run/systemd/journal/socket")
	if err != nil {
		return nil, nil, err
	}
	entry := []byte("MESSAGE=request served: method=GET path=/index.html status=200\nPRIORITY=6\nSYSLOG_IDENTIFIER=bench\nMETHOD=GET\nPATH=/index.html\nSTATUS=200\n")
	return func() error {
		n, err := conn.Write(entry)
		if err == nil && n < len(entry) {
			err = errors.New("the entry was cut")
		}
		return err
	}, conn.Close, nil
}
