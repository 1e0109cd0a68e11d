package webhook_test

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm/webhook"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A program that can post its alarms is one line longer. [service.alarm] says where to.
func Example() {
	var program service.Program // your own
	os.Exit(cli.Main(service.Config{Name: "feedd", AlarmWebhook: webhook.Sender{}}, program))
}
