package doctor_test

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/service/doctor"
)

// The same facts give the same report, and what was not found out is no alarm.
func ExampleExamine() {
	report := doctor.Examine(doctor.Facts{Service: "feedd"}, "alarms")
	fmt.Println(report.Severity, len(report.Findings))
	// Output: ok 0
}
