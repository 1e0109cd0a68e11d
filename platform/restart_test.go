package platform_test

import (
	"reflect"
	"testing"

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

func TestRestartRule(t *testing.T) {
	for _, policy := range platform.RestartPolicies() {
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
