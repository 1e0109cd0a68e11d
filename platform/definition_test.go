package platform_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
)

// Refuse and Replace decide which definitions may be acted on and replaced.
func TestDefinitionDecides(t *testing.T) {
	own := map[string]string{"stop": "ctl stop x", "unmask": "ctl unmask x", "disable": "ctl disable x"}
	for name, tt := range map[string]struct {
		d                      *platform.Definition
		stop, install, adopted string // text in the refusal; empty: no refusal
		foreign                bool
	}{
		"none":         {},
		"ours":         {d: &platform.Definition{Path: "/x", Ours: true}},
		"ours, linked": {d: &platform.Definition{Path: "/x", Ours: true, State: platform.DefinitionLinked, Source: "/y"}, install: "/x, a link to /y: the target of the link would be hidden or changed: ctl disable x removes", adopted: "ctl disable x"},
		"theirs":       {d: &platform.Definition{Path: "/x"}, stop: "/x was not made by holdfast: ctl stop x, or take it over: install --adopt", install: "install --adopt", foreign: true},
		"generated": {
			d:    &platform.Definition{Path: "/g", State: platform.DefinitionGenerated, Source: "/etc/init.d/x"},
			stop: "the generated /g (from /etc/init.d/x) was not made", install: "--adopt", foreign: true,
		},
		"static": {d: &platform.Definition{Path: "/g", State: platform.DefinitionStatic}, stop: "the static /g was not made", install: "--adopt", foreign: true},
		"linked": {d: &platform.Definition{Path: "/x", State: platform.DefinitionLinked, Source: "/y"}, stop: "ctl stop x", install: "a link to /y", adopted: "a link to /y", foreign: true},
		"masked": {d: &platform.Definition{Path: "/x", State: platform.DefinitionMasked}, stop: "/x is masked: ", install: "ctl unmask x", adopted: "ctl unmask x", foreign: true},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.d != nil {
				tt.d.Own = own
			}
			for what, got := range map[string]struct {
				err  error
				says string
			}{
				"stop":    {tt.d.Refuse("stop"), tt.stop},
				"install": {tt.d.Replace(false), tt.install},
				"adopt":   {tt.d.Replace(true), tt.adopted},
			} {
				if got.says == "" {
					if got.err != nil {
						t.Errorf("%s: %v", what, got.err)
					}
					continue
				}
				if !errors.Is(got.err, platform.ErrPermission) || errors.Is(got.err, platform.ErrForeign) != tt.foreign || !strings.Contains(got.err.Error(), got.says) {
					t.Errorf("%s: %v, want %s", what, got.err, got.says)
				}
			}
		})
	}
	// The refusal says what to do even for a verb that the manager does not have.
	if err := (&platform.Definition{Path: "/x"}).Refuse("reload"); err == nil || !strings.Contains(err.Error(), "use the manager's own commands") {
		t.Error(err)
	}
}
