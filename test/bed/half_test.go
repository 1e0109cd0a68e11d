package bed_test

import (
	"testing"

	"github.com/holdfast-dev/holdfast/test/bed"
)

// Each part belongs to one of the halves, and of two kinds each half has one.
func TestHalve(t *testing.T) {
	played := map[string]int{}
	for _, half := range []string{"0", "1", ""} {
		t.Setenv(bed.HalfEnv, half)
		for _, name := range []string{"life", "stop", "upgrade"} {
			for kind := range 2 {
				t.Run("half "+half+"/"+name, func(t *testing.T) {
					bed.Halve(t, name, kind)
					played[half+name]++
				})
			}
		}
	}
	for _, name := range []string{"life", "stop", "upgrade"} {
		if played["0"+name] != 1 || played["1"+name] != 1 || played[name] != 2 {
			t.Errorf("%s: %v", name, played)
		}
	}
}
