package alarm_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/service/alarm"
)

func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		desk := d.open()
		want := func(c alarm.Counts) {
			t.Helper()
			if got := desk.Counts(); !reflect.DeepEqual(got, c) {
				t.Errorf("got  %+v\nwant %+v", got, c)
			}
		}
		d.fails(errTest)
		desk.Raise(alarm.ReloadFailed, "", "one")
		settle(time.Second)
		want(alarm.Counts{Pending: 1, Ways: []alarm.WayCount{{Name: "command", Failed: 1}}})
		d.fails(nil)
		settle(time.Minute)
		want(alarm.Counts{Ways: []alarm.WayCount{{Name: "command", Sent: 1, Failed: 1}}})
		// Too soon after the first one, so they are joined: two with each other at first, and then both with the one before.
		desk.Raise(alarm.ReloadFailed, "", "more")
		settle(time.Millisecond)
		desk.Raise(alarm.ReloadFailed, "", "more")
		desk.Raise(alarm.ReloadFailed, "", "more")
		settle(time.Second)
		want(alarm.Counts{Pending: 1, Joined: 2, Ways: []alarm.WayCount{{Name: "command", Sent: 1, Failed: 1}}})
		for i := range alarm.MaxPending {
			desk.Raise(alarm.FromProgram, string(rune('a'+i)), "many") // the oldest one, which stands for three, is dropped
		}
		settle(time.Hour)
		if c := desk.Counts(); c.Dropped != 3 || c.Pending != 0 || c.Ways[0].Sent != alarm.MaxPending+1 {
			t.Errorf("%+v", c)
		}
		desk.Close(time.Second)
	})
	if c := (*alarm.Desk)(nil).Counts(); c.Ways != nil {
		t.Errorf("of nobody: %+v", c)
	}
}

// Of two alarms about the same event only one is delivered, also in a later run, whichever is
// loaded first.
func TestAStoryIsToldOnce(t *testing.T) {
	for name, raised := range map[string]time.Duration{"at once": 0, "when the file is read": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				desk := d.open()
				desk.RaiseOnce("stop-overran.7", alarm.StopOverran, "", "it takes too long")
				desk.RaiseUnless("stop-overran.7", "unclean-end.7", alarm.UncleanEnd, "", "it failed")
				settle(time.Second)
				desk.Close(time.Second)
				desk = d.open()
				settle(raised)
				desk.RaiseUnless("stop-overran.7", "unclean-end.7", alarm.UncleanEnd, "", "it was killed")
				desk.RaiseUnless("stop-overran.6", "unclean-end.6", alarm.UncleanEnd, "", "the one before was, too")
				settle(time.Hour)
				desk.Close(time.Second)
				var ids []string
				for _, e := range d.events() {
					ids = append(ids, e.ID)
				}
				if want := []string{"stop-overran.7", "unclean-end.6"}; !reflect.DeepEqual(ids, want) {
					t.Errorf("%q, want %q", ids, want)
				}
			})
		})
	}
}
