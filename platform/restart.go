package platform

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A RestartPolicy says when a manager restarts a service.
type RestartPolicy string

// The restart policies, as in systemd.service(5). Exit codes 75, 77 and 78 never lead to a
// restart, whatever the policy, because the next start would end in the same way.
const (
	RestartOnFailure  RestartPolicy = "on-failure"
	RestartOnSuccess  RestartPolicy = "on-success"
	RestartOnAbnormal RestartPolicy = "on-abnormal" // killed by a signal, or crashed with exit code 70
	RestartAlways     RestartPolicy = "always"
	RestartNever      RestartPolicy = "never"
)

// restartPolicies returns all restart policies.
func restartPolicies() []RestartPolicy {
	return []RestartPolicy{RestartOnFailure, RestartOnSuccess, RestartOnAbnormal, RestartAlways, RestartNever}
}

// NoLimit is the [Restart.Max] for an unlimited number of restarts.
const NoLimit = -1

// A Restart is the restart policy with its limits. There are at most Max restarts within
// Window. Each one follows the end of the service after Delay, or later: see [Restart.After].
// Exit codes 75, 77 and 78 never lead to a restart.
type Restart struct {
	Policy RestartPolicy `toml:"policy" help:"when to restart it: on-failure, on-success, on-abnormal, always, never"`
	Delay  time.Duration `toml:"delay" help:"time from its end to the next start"`
	// No manager knows Backoff, MaxDelay, Jitter and ResetAfter. The service itself waits for
	// the rest of the time before its Start.
	Backoff    float64       `toml:"backoff" help:"factor by which each delay exceeds the one before, while it fails soon after its start; 1: all delays are the same"`
	MaxDelay   time.Duration `toml:"max_delay" help:"longest delay, with backoff"`
	Jitter     float64       `toml:"jitter" help:"with backoff: share of the delay, from 0 to 1, by which it varies at random"`
	ResetAfter time.Duration `toml:"reset_after" help:"with backoff: after it was ready for this time, the next delay is the first again"`
	Max        int           `toml:"max" help:"most restarts within window; -1: no limit"`
	Window     time.Duration `toml:"window" help:"period in which restarts are counted"`
	// Success lists exit codes from 1 to 255 that mean success, as 0 does.
	Success []int `toml:"success_exit_codes" help:"exit codes of the program, besides 0, that are no failure"`
}

// Succeeded reports whether an exit code means success.
func (r Restart) Succeeded(code int) bool { return code == ExitOK || slices.Contains(r.Success, code) }

// Follows reports whether the service is restarted after it has exited with that code, within
// the limits. The code -1 stands for death by a signal.
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

// After returns the delay before the restart that follows n failures in a row (1 after the
// first one). It begins with Delay and grows by the factor Backoff up to MaxDelay. chance,
// from 0 to 1, selects the position within the range that Jitter allows.
func (r Restart) After(n int, chance float64) time.Duration {
	longest := float64(max(r.MaxDelay, r.Delay))
	d := min(longest, float64(r.Delay)*math.Pow(max(r.Backoff, 1), float64(max(n-1, 0))))
	return time.Duration(min(d*(1+r.Jitter*(2*chance-1)), 1<<62))
}

// Rule returns what [Restart.Follows] depends on as one word, for a command line in a
// definition: "on-failure", or "on-failure,3,4" if exit codes 3 and 4 mean success.
func (r Restart) Rule() string {
	words := []string{string(r.Policy)}
	for _, code := range r.Success {
		words = append(words, strconv.Itoa(code))
	}
	return strings.Join(words, ",")
}

// ParseRule parses the result of [Restart.Rule].
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
	if err := OneOf(r.Policy, restartPolicies()); err != nil {
		return Restart{}, fmt.Errorf("restart rule: %w", err)
	}
	return r, r.checkSuccess()
}

// Check calls bad with the result of each check, by the key in the table: err is nil if the
// value is valid.
func (r Restart) Check(bad func(key string, err error)) {
	bad("policy", OneOf(r.Policy, restartPolicies()))
	if r.Max < NoLimit {
		bad("max", fmt.Errorf("%d is less than -1; -1 means no limit", r.Max))
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

// maxBackoff limits Backoff. A larger value is a mistake: it was probably meant as a time.
const maxBackoff = 100

func (r Restart) checkSuccess() error {
	for _, code := range r.Success {
		if code < 1 || code > 255 || slices.Contains(ExitsForGood(), code) {
			return fmt.Errorf("%d is not an exit code that may mean success: from 1 to 255, and not %d, %d or %d, which mean that the service cannot run",
				code, ExitAlreadyRunning, ExitNotPermitted, ExitBadConfig)
		}
	}
	return nil
}
