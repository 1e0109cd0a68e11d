package installer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/installer"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// The second step fails, so the first one is taken back.
func ExampleApply() {
	dir, err := os.MkdirTemp("", "feedd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "feedd.conf")
	steps := []platform.Step{
		{Kind: platform.StepWriteFile, Describe: "write the configuration", Path: path, Content: []byte("x"), Mode: 0o600},
		{Kind: platform.StepRun, Describe: "enable it", Argv: []string{"there-is-no-such-program"}},
	}
	err = installer.Apply(context.Background(), native.System{}, steps, func(s platform.Step, _ error) {
		fmt.Println(s.Describe)
	})
	_, missing := os.Stat(path)
	fmt.Println(err != nil, os.IsNotExist(missing))
	// Output:
	// write the configuration
	// enable it
	// true true
}
