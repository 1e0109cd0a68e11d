// Command agent is a holdfast program with a fallback. The tests beside it run it under inits
// for which holdfast has no manager.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

func main() {
	cfg := service.Config{Name: "agent", Description: "an agent", Version: "1.0", Tables: []string{"agent"}}
	if os.Getenv("AGENT_WITHOUT") == "" {
		cfg.Fallback = kardianos.Fallback()
	}
	os.Exit(cli.Main(cfg, &agent{}))
}

// An agent behaves as its own table says.
type agent struct {
	rt *service.Runtime
}

type settings struct {
	Fail     bool   `toml:"fail"`
	Greeting string `toml:"greeting"`
}

func (a *agent) Start(_ context.Context, rt *service.Runtime) error {
	a.rt = rt
	return a.Reload(context.Background())
}

func (a *agent) Reload(context.Context) error {
	var s settings
	if err := a.rt.DecodeTable("agent", &s); err != nil {
		return err
	}
	if s.Fail {
		return errors.New("it is to fail")
	}
	a.rt.Status("greets with " + s.Greeting)
	fmt.Println("greeting: " + s.Greeting)
	return nil
}

func (a *agent) Stop(context.Context) error {
	fmt.Println("stopped in order")
	return nil
}
