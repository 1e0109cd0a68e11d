// Command candidate is a service called shipper that does what the end of its own file
// says, so that a script can make versions of it, good ones and bad ones, by appending
// a line:
//
//	holdfast-candidate: VERSION BEHAVIOUR
package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
)

func main() {
	version, behaviour := told()
	if behaviour == "early" && len(os.Args) > 1 && os.Args[1] == "run" {
		os.Exit(3)
	}
	os.Exit(cli.Main(service.Config{Name: "shipper", Version: version}, &program{behaviour}))
}

// told is the last line of our own file.
func told() (version, behaviour string) {
	const mark = "\nholdfast-candidate: "
	version, behaviour = "0", "good"
	path, err := os.Executable()
	if err != nil {
		return version, behaviour
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return version, behaviour
	}
	const most = 200
	end := content[max(0, len(content)-most):]
	i := bytes.LastIndex(end, []byte(mark))
	if i < 0 {
		return version, behaviour
	}
	if words := strings.Fields(string(end[i+len(mark):])); len(words) > 1 {
		return words[0], words[1]
	}
	return version, behaviour
}

type program struct{ behaviour string }

// Start does what it was told.
func (p *program) Start(_ context.Context, rt *service.Runtime) error {
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

// Stop never returns where it was told to be deaf.
func (p *program) Stop(context.Context) error {
	if p.behaviour == "deaf" {
		select {}
	}
	return nil
}
