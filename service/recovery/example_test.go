package recovery_test

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

// A program gets the last run from service.Recoverer and Runtime.Recovery. How describes its
// end in one word.
func ExampleLastRun() {
	var never recovery.LastRun
	fmt.Println(never.How())
	// Output: none
}
