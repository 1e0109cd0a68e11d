package platform_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

func TestRestartFollows(t *testing.T) {
	const killed = -1
	ends := []int{platform.ExitOK, platform.ExitFailed, 3, platform.ExitCrashed, killed, platform.ExitAlreadyRunning, platform.ExitNotPermitted, platform.ExitBadConfig}
	for policy, follows := range map[platform.RestartPolicy][]bool{
		platform.RestartOnFailure:  {false, true, false, true, true, false, false, false},
		platform.RestartOnSuccess:  {true, false, true, false, false, false, false, false},
		platform.RestartOnAbnormal: {false, false, false, true, true, false, false, false},
		platform.RestartAlways:     {true, true, true, true, true, false, false, false},
		platform.RestartNever:      {false, false, false, false, false, false, false, false},
	} {
		r := platform.Restart{Policy: policy, Success: []int{3}}
		for i, code := range ends {
			if got := r.Follows(code); got != follows[i] {
				t.Errorf("%s after exit code %d: %v", policy, code, got)
			}
		}
	}
}

func TestRestartAfter(t *testing.T) {
	r := platform.Restart{Delay: time.Second, Backoff: 2, MaxDelay: 10 * time.Second, Jitter: 0.5}
	for n, want := range []int{1, 1, 2, 4, 8, 10, 10} {
		if got := r.After(n, 0.5); got != time.Duration(want)*time.Second {
			t.Errorf("after %d failures %v, want %vs", n, got, want)
		}
	}
	if least, most := r.After(1, 0), r.After(1, 1); least != time.Second/2 || most != 3*time.Second/2 {
		t.Errorf("by chance from %v to %v", least, most)
	}
	if got := r.After(1<<40, 0.5); got != 10*time.Second {
		t.Errorf("after very many failures %v", got)
	}
	for name, tt := range map[string]struct {
		r    platform.Restart
		want time.Duration
	}{
		"no back-off":                  {platform.Restart{Delay: time.Hour}, time.Hour},
		"a delay longer than max":      {platform.Restart{Delay: time.Minute, Backoff: 2, MaxDelay: time.Second}, time.Minute},
		"more than a Duration can say": {platform.Restart{Delay: time.Hour, Backoff: 100, MaxDelay: math.MaxInt64}, 1 << 62},
	} {
		if got := tt.r.After(200, 0.5); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestRestartCheck(t *testing.T) {
	for key, change := range map[string]func(*platform.Restart){
		"":          func(*platform.Restart) {},
		"backoff":   func(r *platform.Restart) { r.Backoff = 0.9 },
		"jitter":    func(r *platform.Restart) { r.Jitter = math.NaN() },
		"max_delay": func(r *platform.Restart) { r.Backoff, r.Delay = 2, time.Hour },
		"policy":    func(r *platform.Restart) { r.Policy = "sometimes" },
	} {
		r := platform.Defaults().Restart
		change(&r)
		got := ""
		r.Check(func(key string, err error) {
			if err != nil {
				got += key
			}
		})
		if got != key {
			t.Errorf("%s: refused is %q", key, got)
		}
	}
}

func TestRestartRule(t *testing.T) {
	for _, policy := range []platform.RestartPolicy{platform.RestartOnFailure, platform.RestartOnSuccess, platform.RestartOnAbnormal, platform.RestartAlways, platform.RestartNever} {
		for _, success := range [][]int{nil, {3}, {3, 255}} {
			r := platform.Restart{Policy: policy, Success: success}
			got, err := platform.ParseRule(r.Rule())
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("%q is read as %+v, %v", r.Rule(), got, err)
			}
		}
	}
	for _, bad := range []string{"", "sometimes", "on-failure,", "on-failure,x", "always,0", "always,256", "always,78", "always 3"} {
		if r, err := platform.ParseRule(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
}
