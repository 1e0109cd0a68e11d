package recovery_test

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A program is given the last run by service.Recoverer and Runtime.Recovery. How tells in one word how it ended.
func ExampleLastRun() {
	var never recovery.LastRun
	fmt.Println(never.How())
	// Output: none
}
