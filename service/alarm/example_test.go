package alarm_test

import (
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/service/alarm"
)

// A command finds this in its environment, and the alarm as JSON on its standard input.
func ExampleEnvironment() {
	for _, variable := range alarm.Environment(alarm.Event{Kind: alarm.Tampered, Service: "feedd", Text: "the PID file was removed"}) {
		if strings.HasPrefix(variable, "HOLDFAST_ALARM_KIND=") || strings.HasPrefix(variable, "HOLDFAST_ALARM_TEXT=") {
			fmt.Println(variable)
		}
	}
	// Unordered output:
	// HOLDFAST_ALARM_KIND=tampered
	// HOLDFAST_ALARM_TEXT=the PID file was removed
}
