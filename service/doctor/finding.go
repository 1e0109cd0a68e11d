package doctor

import (
	"cmp"
	"slices"
)

// Severity says how much a finding matters.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // the service does not serve, or will not start
	Warning Severity = "warning" // it will cause trouble at the next occasion
	Note    Severity = "note"    // worth knowing
	OK      Severity = "ok"      // for a report or check without findings
)

// rank orders severities: a graver one has a greater rank.
func (s Severity) rank() int {
	switch s {
	case Error:
		return 3
	case Warning:
		return 2
	case Note:
		return 1
	}
	return 0
}

// worse returns the graver of the two.
func (s Severity) worse(other Severity) Severity {
	if other.rank() > s.rank() {
		return other
	}
	return s
}

// A Finding is one thing that is wrong.
type Finding struct {
	ID       string   `json:"id"` // stable, see the package's documentation
	Severity Severity `json:"severity"`
	Cause    string   `json:"cause"` // one sentence
	// Fix is one command that repairs it; empty: there is none.
	Fix string `json:"fix"`
	// See is a command that shows more; empty: there is none.
	See     string   `json:"see,omitempty"`
	Details []string `json:"details,omitempty"`
	Check   string   `json:"check"` // the group of its rule, as in [Report].Checks
	// BecauseOf is the id of the finding that explains this one; empty: none does.
	BecauseOf string `json:"because_of,omitempty"`
}

// A Check is one group of rules, with the worst severity that they found.
type Check struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Findings []string `json:"findings,omitempty"` // their ids
}

// A Report is the result of [Examine]. Its JSON form is printed by `doctor --json`. Fields are
// only ever added to it.
type Report struct {
	Service  string    `json:"service"`
	Severity Severity  `json:"severity"` // of the worst finding; "ok": there is none
	Findings []Finding `json:"findings"` // the worst first, causes before what they explain
	Checks   []Check   `json:"checks"`   // the worst first
}

// Count returns the number of findings that are at least as grave as least.
func (r Report) Count(least Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity.rank() >= least.rank() {
			n++
		}
	}
	return n
}

// allChecks returns the names of all groups of rules, in the order in which they first appear
// among the rules.
func allChecks() []string {
	var names []string
	for _, r := range rules {
		if !slices.Contains(names, r.check) {
			names = append(names, r.check)
		}
	}
	return names
}

// Examine judges f by the rules of the given checks, or by all rules if none is given. It
// never panics, whatever f contains, and returns the same report for the same facts.
func Examine(f Facts, checks ...string) Report {
	if checks == nil {
		checks = allChecks()
	}
	var found []ranked
	for i, r := range rules {
		if !slices.Contains(checks, r.check) {
			continue
		}
		for _, finding := range r.find(f) {
			finding.ID, finding.Check = r.id, r.check
			found = append(found, ranked{finding, i})
		}
	}
	explain(found)
	slices.SortStableFunc(found, func(a, b ranked) int {
		return cmp.Or(
			cmp.Compare(b.Severity.rank(), a.Severity.rank()),
			cmp.Compare(len(a.BecauseOf), 0)-cmp.Compare(len(b.BecauseOf), 0),
			cmp.Compare(a.rule, b.rule),
		)
	})
	r := Report{Service: f.Service, Severity: OK, Findings: []Finding{}}
	for _, finding := range found {
		r.Findings = append(r.Findings, finding.Finding)
	}
	for _, name := range checks {
		c := Check{Name: name, Severity: OK}
		for _, finding := range r.Findings {
			if finding.Check == name {
				c.Severity = c.Severity.worse(finding.Severity)
				c.Findings = append(c.Findings, finding.ID)
			}
		}
		r.Severity = r.Severity.worse(c.Severity)
		r.Checks = append(r.Checks, c)
	}
	slices.SortStableFunc(r.Checks, func(a, b Check) int { return cmp.Compare(b.Severity.rank(), a.Severity.rank()) })
	return r
}

// A ranked is a finding with the index of its rule.
type ranked struct {
	Finding
	rule int
}

// explain marks each finding that is only a consequence with its first cause, and makes the
// cause as grave as its consequences. The first rule that explains a finding is its cause. A
// note explains nothing. There are no cycles, because a rule explains only rules behind it.
func explain(found []ranked) {
	causeOf := func(f ranked) string {
		for _, c := range found {
			if c.Severity != Note && rules[c.rule].makes(f.ID) {
				return c.ID
			}
		}
		return ""
	}
	cause := map[string]string{}
	for _, f := range found {
		cause[f.ID] = causeOf(f)
	}
	for i := range found {
		for id := cause[found[i].ID]; id != ""; id = cause[id] {
			found[i].BecauseOf = id
		}
	}
	for _, f := range found {
		for i := range found {
			if f.BecauseOf != "" && found[i].ID == f.BecauseOf {
				found[i].Severity = found[i].Severity.worse(f.Severity)
			}
		}
	}
}
