package trial_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
)

// The command `run` of every service begins like this. Here nobody has written a record, so
// Begin returns at once, and the confirmed version runs.
func ExampleBegin() {
	begun := trial.Begin(trial.Options{
		Path:    filepath.Join(os.TempDir(), "holdfast-without-a-trial", "feedd.trial.json"),
		Service: "feedd",
		Say:     func(err error) { fmt.Println("the candidate was not executed:", err) },
	})
	if begun.Exit != nil { // only on Windows: the candidate was the service, and has ended
		os.Exit(*begun.Exit)
	}
	fmt.Println("this process is a candidate:", begun.Trial != nil)
	// Output: this process is a candidate: false
}

// A record holds for one service, in one boot, and until its deadline.
func ExampleRecord_Current() {
	absolute, err := filepath.Abs("feedd")
	if err != nil {
		fmt.Println(err)
		return
	}
	r := trial.Record{
		Format: trial.Format, ID: "u1", Service: "feedd", Boots: []string{"boot 1"}, Deadline: time.Hour,
		Candidate: absolute + ".new", Stable: absolute, TriesFile: absolute + ".tries",
	}
	fmt.Println(r.Current("feedd", "boot 1", time.Minute))
	fmt.Println(r.Current("feedd", "boot 2", time.Minute))
	fmt.Println(r.Current("feedd", "boot 1", 2*time.Hour))
	// Output:
	// <nil>
	// the trial is over: its record is from another boot of the machine
	// the trial is over: its time limit is over
}
