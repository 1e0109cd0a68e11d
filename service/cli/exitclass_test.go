package cli_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/singleton"
)

// A failed start ends with the exit code of the program if that code has a class, and
// otherwise with 1, whether or not the manager knew it.
func TestStartEndsWithTheProgramsClass(t *testing.T) {
	for program, want := range map[int]int{
		1: 1, 2: 1, 3: 1, 64: 1, 70: 70, 75: 75, 77: 77, 78: 78, 126: 1, 143: 1, 255: 1, -1: 1,
	} {
		for name, fails := range map[string]error{
			"the manager knows nothing": errors.New("it failed"),
			"it knows that it failed":   &platform.FailedError{How: "for good"},
			"it knows another code":     &platform.FailedError{How: "exit code 1", Code: 1},
		} {
			for _, verb := range []string{"start", "restart"} {
				t.Run(fmt.Sprint(verb, program, name), func(t *testing.T) {
					p := newPlace(t)
					p.cfg.Log.File = p.dir + "/none.log" // no log to be shown
					p.m.acts = fails
					p.m.on = p.endsLike(platform.Exit{Code: program, Reason: "its own words"})
					p.wants(verb, want, "its own words", verb)
				})
			}
		}
	}
}

// Every verb ends with the exit code of the class of its error.
func TestVerbsEndWithTheClassOfAnError(t *testing.T) {
	for class, tt := range map[string]struct {
		err  error
		code int
	}{
		"permission":    {platform.ErrPermission, 77},
		"unsupported":   {platform.ErrUnsupported, 2},
		"bad unit":      {platform.ErrBadUnit, 78},
		"configuration": {service.ErrConfig, 78},
		"held":          {&singleton.HeldError{Name: "feedd"}, 75},
		"too long":      {platform.ErrTimeout, 1},
		"rejected":      {platform.ErrRejected, 1},
		"failed, 78":    {&platform.FailedError{How: "exit code 78", Code: 78}, 78},
		"failed":        {&platform.FailedError{How: "for good"}, 1},
		"any":           {errors.New("no bus"), 1},
	} {
		for _, verb := range []string{"start", "stop", "restart", "reload", "uninstall", "install", "plan"} {
			t.Run(class+"/"+verb, func(t *testing.T) {
				p := newPlace(t)
				p.cfg.Log.File = p.dir + "/none.log" // no log to be shown
				running(p)
				p.m.fails = fmt.Errorf("by the manager: %w", tt.err)
				did := []string{verb}
				if verb == "uninstall" || verb == "install" || verb == "plan" {
					did = nil // it did not come to that
				}
				p.wants(verb, tt.code, "by the manager: "+tt.err.Error(), did...)
			})
		}
	}
}
