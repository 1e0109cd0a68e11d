package kardianos_test

import (
	"fmt"
	"os"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// A program that is written for github.com/kardianos/service gets one more line, the first
// one.
func ExampleAdopt() {
	kardianos.Adopt()

	var program service.Interface // your own, unchanged
	s, err := service.New(program, &service.Config{Name: "feedd"})
	if err == nil {
		err = s.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
