// Command machine is a service on one of several machines, for tests: all of them are on this
// one, and differ by their directories. What follows the program in its own file says which
// version it is, and whether that is any good.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
)

func main() {
	version, quality, _ := strings.Cut(trailer(), " ")
	cfg := service.Config{Name: "relay", Version: version, Cluster: etcd.New(), Scope: platform.ScopeUser, Fallback: fallback{}}
	if quality == "bad" {
		cfg.Extensions = []service.Extension{broken{}}
	}
	os.Exit(cli.Main(cfg, program{}))
}

// trailerSize is the length of what follows the program.
const trailerSize = 32

// trailer returns what follows the program, without the spaces that fill it up.
func trailer() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(-trailerSize, io.SeekEnd); err != nil {
		return ""
	}
	text, _ := io.ReadAll(f)
	return strings.TrimSpace(string(text))
}

type program struct{}

func (program) Start(context.Context, *service.Runtime) error { return nil }
func (program) Stop(context.Context) error                    { return nil }

// broken fails each start, also that of a candidate that would only wait.
type broken struct{}

func (broken) Table() (string, any) { return "broken", &struct{}{} }

func (broken) Attach(context.Context, *service.Runtime, any) error {
	return errors.New("this version does not start")
}
