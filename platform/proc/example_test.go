//go:build linux || darwin || windows

package proc_test

import (
	"encoding/json"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A recorded identity distinguishes the process from a later one with the same number.
func ExampleIdentity() {
	self, err := proc.Self()
	if err != nil {
		fmt.Println(err)
		return
	}
	written, _ := json.Marshal(self) // for example into a file

	var read proc.Identity
	if err := json.Unmarshal(written, &read); err != nil {
		fmt.Println(err)
	}
	alive, err := read.Alive()
	fmt.Println(alive, err)

	read.Start++ // another process with the same number
	alive, err = read.Alive()
	fmt.Println(alive, err)
	// Output:
	// true <nil>
	// false <nil>
}
