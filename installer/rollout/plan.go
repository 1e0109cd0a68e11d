package rollout

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// planFormat is the version of the format of a [Plan]. Readers refuse any other. New fields do
// not change it.
const planFormat = 1

// A Plan is what all machines have agreed on.
type Plan struct {
	Format  int      `json:"format"`
	Rollout *Rollout `json:"rollout,omitempty"` // the current or the last one
	Pinned  []Pin    `json:"pinned"`            // the latest first
}

// A Rollout is the way of one version to all machines.
type Rollout struct {
	SHA256  string    `json:"sha256"`
	Version string    `json:"version,omitempty"` // as the first confirmed machine reports it
	By      string    `json:"by"`
	Since   time.Time `json:"since"`
	Rules
	Open    bool   `json:"open"`    // the canaries have settled
	Stopped bool   `json:"stopped"` // no further machine may begin
	Why     string `json:"why,omitempty"`
	Turns   []Turn `json:"turns"` // in the order in which they began
}

// Rules say how a rollout proceeds. The machine that begins it sets them.
type Rules struct {
	Canaries       int           `json:"canaries"`
	CanarySettle   time.Duration `json:"canary_settle_ns"`
	MaxUnavailable int           `json:"max_unavailable"`
	LeaderLast     bool          `json:"leader_last"`
}

// A State is how far a machine has come.
type State string

// The states of a turn.
const (
	Upgrading  State = "upgrading"   // in its turn
	Confirmed  State = "confirmed"   // on the new version
	RolledBack State = "rolled-back" // the new version failed there
	Refused    State = "refused"     // the machine did not try it
	Cut        State = "interrupted" // somebody interrupted its trial, which says nothing about the version
	Released   State = "released"    // a person has said not to wait for it
	GoingBack  State = "going-back"  // in its turn, on the way to the old version
	Returned   State = "returned"    // on the old version again
	Stuck      State = "stuck"       // it could not go back
)

// A Turn is that of one machine.
type Turn struct {
	Machine string    `json:"machine"`
	ID      string    `json:"id"` // of the machine's upgrade
	State   State     `json:"state"`
	Since   time.Time `json:"since"` // by the machine's clock
	By      string    `json:"by,omitempty"`
	Why     string    `json:"why,omitempty"`
}

// Begun reports whether the machine is in its turn.
func (t Turn) Begun() bool { return t.State == Upgrading || t.State == GoingBack }

// A Pin is a version that no machine takes.
type Pin struct {
	SHA256  string    `json:"sha256"`
	Version string    `json:"version,omitempty"`
	Machine string    `json:"machine"` // which rolled it back
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

// String describes the pin for people.
func (p Pin) String() string {
	return fmt.Sprintf("%s was rolled back on %s on %s: %s", named(p.Version, p.SHA256), p.Machine, p.At.Local().Format(time.DateTime), p.Why)
}

// named returns a version for people.
func named(version, digest string) string {
	const short = 8
	digest = digest[:min(len(digest), short)]
	if version == "" {
		return "the version with digest " + digest
	}
	return version + " (" + digest + ")"
}

// Named returns the version of the rollout for people.
func (r *Rollout) Named() string { return named(r.Version, r.SHA256) }

// maxPinned and maxText limit the record.
const (
	maxPinned = 20
	maxText   = 500
)

// ParsePlan decodes a plan. Without content it returns an empty one.
func ParsePlan(content []byte) (Plan, error) {
	p := Plan{Format: planFormat, Pinned: []Pin{}}
	if len(content) == 0 {
		return p, nil
	}
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(&p); err != nil {
		return Plan{}, fmt.Errorf("the plan of the rollout: %w", err)
	}
	if p.Format != planFormat {
		return Plan{}, fmt.Errorf("the plan of the rollout has format %d, and this program knows %d: use the newer program", p.Format, planFormat)
	}
	return p, nil
}

func (p Plan) encode() ([]byte, error) {
	p.Format = planFormat
	return json.Marshal(p)
}

// Pin returns the pin of a version, or nil.
func (p Plan) Pin(digest string) *Pin {
	i := slices.IndexFunc(p.Pinned, func(p Pin) bool { return p.SHA256 == digest })
	if i < 0 {
		return nil
	}
	return &p.Pinned[i]
}

func (p *Plan) unpin(digest string) {
	p.Pinned = slices.DeleteFunc(p.Pinned, func(p Pin) bool { return p.SHA256 == digest })
}

func (p *Plan) pin(pin Pin) {
	p.unpin(pin.SHA256)
	p.Pinned = slices.Insert(p.Pinned, 0, pin)
	p.Pinned = p.Pinned[:min(len(p.Pinned), maxPinned)]
}

// Turn returns that of a machine, or nil.
func (r *Rollout) Turn(machine string) *Turn {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.Turns, func(t Turn) bool { return t.Machine == machine })
	if i < 0 {
		return nil
	}
	return &r.Turns[i]
}

// set adds or replaces the turn of a machine.
func (r *Rollout) set(t Turn) {
	if len(t.Why) > maxText {
		t.Why = t.Why[:maxText] + "..."
	}
	r.Turns = append(slices.DeleteFunc(r.Turns, func(old Turn) bool { return old.Machine == t.Machine }), t)
}

// machines returns those in one of the states.
func (r *Rollout) machines(states ...State) (all []string) {
	for _, t := range r.Turns {
		if slices.Contains(states, t.State) {
			all = append(all, t.Machine)
		}
	}
	return all
}
