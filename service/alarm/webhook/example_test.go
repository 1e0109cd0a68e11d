package webhook_test

import (
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/alarm/webhook"
	"github.com/holdfast-dev/holdfast/service/cli"
)

// A program that can post its alarms has one more line. The URL is in [service.alarm].
func Example() {
	var program service.Program // your own
	os.Exit(cli.Main(service.Config{Name: "feedd", AlarmWebhook: webhook.Sender{}}, program))
}
