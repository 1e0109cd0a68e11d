package supervise_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/supervise"
)

func TestBudget(t *testing.T) {
	at := func(seconds ...int) []int { return seconds }
	for name, tt := range map[string]struct {
		restart platform.Restart
		at      []int
		refused []int // of these
	}{
		"no limit":            {platform.Restart{Max: platform.NoLimit}, at(0, 0, 0, 0, 0), nil},
		"within the window":   {platform.Restart{Max: 2, Window: time.Minute}, at(0, 1, 59), at(59)},
		"the window moves on": {platform.Restart{Max: 2, Window: time.Minute}, at(0, 50, 60, 70, 109, 110), at(70, 109)},
		"refused do not add":  {platform.Restart{Max: 1, Window: time.Minute}, at(0, 30, 59, 60), at(30, 59)},
		"no window":           {platform.Restart{Max: 1}, at(0, 100000), at(100000)},
	} {
		t.Run(name, func(t *testing.T) {
			take := supervise.Budget(tt.restart)
			begin := time.Now()
			var refused []int
			for _, s := range tt.at {
				if !take(begin.Add(time.Duration(s) * time.Second)) {
					refused = append(refused, s)
				}
			}
			if len(refused) != len(tt.refused) {
				t.Fatalf("refused at %v, want %v", refused, tt.refused)
			}
			for i := range refused {
				if refused[i] != tt.refused[i] {
					t.Errorf("refused at %v, want %v", refused, tt.refused)
				}
			}
		})
	}
}
