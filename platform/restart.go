package platform

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RestartPolicy says when a manager brings a service back.
type RestartPolicy string

// The restart policies, as systemd.service(5) has them. Exit codes 75, 77 and 78 never
// lead to a restart, whatever the policy: the next try would end the same way.
const (
	RestartOnFailure  RestartPolicy = "on-failure"
	RestartOnSuccess  RestartPolicy = "on-success"
	RestartOnAbnormal RestartPolicy = "on-abnormal" // killed by a signal, or crashed with exit code 70
	RestartAlways     RestartPolicy = "always"
	RestartNever      RestartPolicy = "never"
)

// RestartPolicies are all of them.
func RestartPolicies() []RestartPolicy {
	return []RestartPolicy{RestartOnFailure, RestartOnSuccess, RestartOnAbnormal, RestartAlways, RestartNever}
}

// NoLimit is a [Restart.Max] that has no end.
const NoLimit = -1

// Restart is the restart policy with its start limit: at most Max restarts
// within Window, each Delay after the end of the last, or later: see [Restart.After].
// Exit codes 75, 77 and 78 never lead to a restart.
type Restart struct {
	Policy RestartPolicy `toml:"policy" help:"when it is started again: on-failure, on-success, on-abnormal, always, never"`
	Delay  time.Duration `toml:"delay" help:"from its end to the next start"`
	// Backoff, MaxDelay, Jitter and ResetAfter are no manager's: the service waits for what
	// is left of the time before its Start.
	Backoff    float64       `toml:"backoff" help:"each delay is so many times the one before, while it fails soon after its start; 1: all are the same"`
	MaxDelay   time.Duration `toml:"max_delay" help:"longest delay, with backoff"`
	Jitter     float64       `toml:"jitter" help:"with backoff: share of the delay, from 0 to 1, by which it is longer or shorter at random"`
	ResetAfter time.Duration `toml:"reset_after" help:"ready for so long, and the next delay is the first again"`
	Max        int           `toml:"max" help:"most restarts within the window; -1: no limit"`
	Window     time.Duration `toml:"window" help:"time in which restarts are counted"`
	// Success are exit codes from 1 to 255 of which the program means, as with 0, that all is well.
	Success []int `toml:"success_exit_codes" help:"exit codes of the program that are no failure, beside 0"`
}

// Succeeded reports whether an exit code is that of a service that ended well.
func (r Restart) Succeeded(code int) bool { return code == ExitOK || slices.Contains(r.Success, code) }

// Follows reports whether the service is started again after it ended by itself with
// that exit code, as far as the start limit allows; -1 is the death by a signal.
func (r Restart) Follows(code int) bool {
	switch {
	case slices.Contains(ExitsForGood(), code):
		return false
	case r.Policy == RestartAlways:
		return true
	case r.Policy == RestartOnFailure:
		return !r.Succeeded(code)
	case r.Policy == RestartOnSuccess:
		return r.Succeeded(code)
	}
	return r.Policy == RestartOnAbnormal && (code < 0 || code == ExitCrashed)
}

// After is the wait before the restart that follows n failures in a row, the first being
// 1: Delay, then Backoff times as long each time up to MaxDelay. chance, from 0 to 1, is
// where in the range that Jitter opens it lies.
func (r Restart) After(n int, chance float64) time.Duration {
	longest := float64(max(r.MaxDelay, r.Delay))
	d := min(longest, float64(r.Delay)*math.Pow(max(r.Backoff, 1), float64(max(n-1, 0))))
	return time.Duration(min(d*(1+r.Jitter*(2*chance-1)), 1<<62))
}

// Rule is what [Restart.Follows] goes by as one word, for those who are told it by a
// manager: "on-failure", or "on-failure,3,4" where 3 and 4 are no failures.
func (r Restart) Rule() string {
	words := []string{string(r.Policy)}
	for _, code := range r.Success {
		words = append(words, strconv.Itoa(code))
	}
	return strings.Join(words, ",")
}

// ParseRule reads what [Restart.Rule] gives.
func ParseRule(rule string) (Restart, error) {
	policy, codes, some := strings.Cut(rule, ",")
	r := Restart{Policy: RestartPolicy(policy)}
	if some {
		for word := range strings.SplitSeq(codes, ",") {
			code, err := strconv.Atoi(word)
			if err != nil {
				return Restart{}, fmt.Errorf("restart rule %q: %q is not an exit code", rule, word)
			}
			r.Success = append(r.Success, code)
		}
	}
	if err := OneOf(r.Policy, RestartPolicies()); err != nil {
		return Restart{}, fmt.Errorf("restart rule: %w", err)
	}
	return r, r.checkSuccess()
}

// Check returns what is wrong with a policy, a limit or an exit code that is set, by the
// key in the table.
func (r Restart) Check(bad func(key string, err error)) {
	bad("policy", OneOf(r.Policy, RestartPolicies()))
	if r.Max < NoLimit {
		bad("max", fmt.Errorf("%d is less than -1, which stands for no limit", r.Max))
	}
	bad("success_exit_codes", r.checkSuccess())
	switch {
	case r.Backoff != 0 && !(r.Backoff >= 1 && r.Backoff <= maxBackoff): // nor NaN
		bad("backoff", fmt.Errorf("%v is not between 1 and %d", r.Backoff, maxBackoff))
	case r.Backoff > 1 && r.MaxDelay < r.Delay:
		bad("max_delay", fmt.Errorf("%v is less than restart.delay, %v", r.MaxDelay, r.Delay))
	}
	if !(r.Jitter >= 0 && r.Jitter <= 1) {
		bad("jitter", fmt.Errorf("%v is not between 0 and 1", r.Jitter))
	}
}

// Who writes more means something else, such as a time.
const maxBackoff = 100

func (r Restart) checkSuccess() error {
	for _, code := range r.Success {
		if code < 1 || code > 255 || slices.Contains(ExitsForGood(), code) {
			return fmt.Errorf("%d is not an exit code that may mean success: from 1 to 255, and not %d, %d or %d, with which a service says that it cannot run",
				code, ExitAlreadyRunning, ExitNotPermitted, ExitBadConfig)
		}
	}
	return nil
}
