package rollout_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/holdfast-dev/holdfast/installer/rollout"
	"github.com/holdfast-dev/holdfast/test/machines"
)

// A machine waits for its turn, upgrades as if it were alone, and reports the outcome. The
// board stands for the engine of the cluster, such as etcd.
func Example() {
	var board machines.Board
	board.Show("db1", []byte(`{"Version": "1.0", "Ready": true, "Leader": true}`))
	roster := board.Roster()
	defer func() { _ = roster.Close() }()

	party := &rollout.Party{Options: rollout.Options{
		Roster: roster, Machine: "db1", SHA256: "9f86d081", By: "alice",
		Rules: rollout.Rules{Canaries: 1, MaxUnavailable: 1, LeaderLast: true},
		Member: func(entry []byte) (m rollout.Member) {
			_ = json.Unmarshal(entry, &m)
			return m
		},
		Waits: func(string) {}, Notes: func(string) {},
	}}
	ctx := context.Background()
	upgrade := func() error {
		if _, err := party.Join(ctx); err != nil {
			return err
		}
		if err := party.Take(ctx, "upgrade-1"); err != nil {
			return err
		}
		// The upgrade of this machine, with its trial, belongs here.
		if err := party.Report(ctx, "upgrade-1", rollout.Outcome{State: rollout.Confirmed, SHA256: "9f86d081", Version: "2.0"}); err != nil {
			return err
		}
		board.Show("db1", []byte(`{"Version": "2.0", "Ready": true, "Leader": true}`))
		back, err := party.Finish(ctx, "back-1")
		fmt.Println("to go back:", back)
		return err
	}
	fmt.Println(upgrade())
	// Output:
	// to go back: false
	// <nil>
}
