//go:build windows

package windows_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

const versionMark = "\nholdfast-candidate: "

// asVersion runs this test binary as a version of a service, which behaves as its last line
// says.
func asVersion(t *testing.T, path, service, version, behaviour string) string {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	from, err := os.Open(exe)
	must(t, err)
	defer from.Close()
	to, err := os.Create(path)
	must(t, err)
	_, err = io.Copy(to, from)
	if err == nil {
		_, err = io.WriteString(to, versionMark+service+" "+version+" "+behaviour+"\n")
	}
	must(t, errors.Join(err, to.Close()))
	return path
}

// versionOfThis returns the last line of our own file, or nothing if it has none.
func versionOfThis() (words []string) {
	path, err := os.Executable()
	if err != nil {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var end [200]byte
	if _, err := f.Seek(-int64(len(end)), io.SeekEnd); err != nil {
		return nil
	}
	if _, err := io.ReadFull(f, end[:]); err != nil {
		return nil
	}
	i := bytes.LastIndex(end[:], []byte(versionMark))
	if i < 0 {
		return nil
	}
	return strings.Fields(string(end[i+len(versionMark):]))
}

func versionMain(name, version, behaviour string) int {
	if run := len(os.Args) > 1 && os.Args[1] == "run"; run {
		switch behaviour {
		case "early":
			return 3
		case "panics":
			panic("before main")
		case "late":
			time.Sleep(12 * time.Second)
		case "mute":
			time.Sleep(time.Hour) // it never listens
		}
	}
	return cli.Main(service.Config{Name: name, Version: version, StartTimeout: unlimited, StopTimeout: unlimited}, &versionProgram{behaviour})
}

type versionProgram struct{ behaviour string }

func (p *versionProgram) Start(_ context.Context, rt *service.Runtime) error {
	switch p.behaviour {
	case "fails":
		return errors.New("port 99999 is none")
	case "exits":
		os.Exit(1)
	case "hangs":
		select {}
	case "dies":
		time.AfterFunc(time.Second, func() { os.Exit(1) })
	case "sick", "deaf":
		rt.HealthCheck("upstream", func(context.Context) error { return errors.New("no answer") })
	}
	return nil
}

func (p *versionProgram) Stop(context.Context) error {
	switch p.behaviour {
	case "deaf":
		select {}
	case "held": // until it is let go
		for _, err := os.Stat(letGo(configOfThis())); err != nil; _, err = os.Stat(letGo(configOfThis())) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// letGo returns the path of the file that ends the stop of a "held" version with that
// configuration.
func letGo(config string) string { return config + ".letgo" }

func configOfThis() string {
	if i := slices.Index(os.Args, "--config"); i >= 0 && i+1 < len(os.Args) {
		return os.Args[i+1]
	}
	return ""
}

func (p *versionProgram) Reload(context.Context) error { return nil }
