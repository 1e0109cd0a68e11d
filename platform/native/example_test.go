package native_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// A plan can be made for any manager, on any machine. It is data: nothing is changed.
func ExampleManager() {
	m, err := native.Manager("systemd")
	if err != nil {
		fmt.Println(err)
		return
	}
	u := platform.Unit{
		ID:          platform.ID{Name: "feedd", Scope: platform.ScopeSystem},
		Description: "Feeds",
		Exec:        []string{"/usr/local/bin/feedd", "run"},
		StopTimeout: 20 * time.Second,
	}.WithDefaults()
	steps, err := m.Plan(context.Background(), u)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range steps {
		for line := range strings.Lines(string(s.Content)) {
			if strings.HasPrefix(line, "ExecStart=") || strings.HasPrefix(line, "TimeoutStopSec=") {
				fmt.Print(line)
			}
		}
	}
	// Output:
	// ExecStart=/usr/local/bin/feedd run
	// TimeoutStopSec=30s
}
