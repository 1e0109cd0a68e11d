package wrap_test

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/wrap"
)

// A program that only runs another one, as a service with a name of its own.
func Example() {
	o := wrap.Defaults()
	o.Command = []string{"/usr/bin/redis-server", "--port", "6400"}
	o.Ready.TCP = "127.0.0.1:6400"
	os.Exit(cli.Main(service.Config{Name: "cache"}, &wrap.Program{Base: &o}))
}
