package migrate_test

import (
	"fmt"
	"os"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/migrate"
)

func ExampleRead() {
	found, err := migrate.Read("feedd.service", `[Service]
Type=simple
ExecStart=/opt/feedd/feedd -v
User=feed
Restart=always
RestartSec=5
TTYPath=/dev/tty9
NoNewPrivileges=yes
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Kind, found.Command)
	fmt.Println(found.Config.User, found.Config.Restart.Policy, found.Config.Restart.Delay)
	_ = service.WriteConfig(os.Stderr, found.Config) // the file that says the same
	// Output:
	// systemd unit [/opt/feedd/feedd -v]
	// feed always 5s
}
