package doctor

import (
	"cmp"
	"slices"
)

// Severity says how much a finding matters.
type Severity string

// The severities, the worst first.
const (
	Error   Severity = "error"   // it does not serve, or will not start
	Warning Severity = "warning" // it will hurt at the next occasion
	Note    Severity = "note"    // worth knowing
	OK      Severity = "ok"      // of a report or a check without findings
)

// rank orders severities: the graver, the greater.
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

// worse is the graver of the two.
func (s Severity) worse(other Severity) Severity {
	if other.rank() > s.rank() {
		return other
	}
	return s
}

// Finding is one thing that is wrong.
type Finding struct {
	ID       string   `json:"id"` // stable, see the package's documentation
	Severity Severity `json:"severity"`
	Cause    string   `json:"cause"` // one sentence
	// Fix is one command that mends it; empty where there is none.
	Fix string `json:"fix"`
	// See is a command that shows more, where that helps.
	See     string   `json:"see,omitempty"`
	Details []string `json:"details,omitempty"`
	Check   string   `json:"check"` // what it belongs to: one of [Checks]
	// BecauseOf is the id of the finding that explains this one; empty: none does.
	BecauseOf string `json:"because_of,omitempty"`
}

// Check is one group of rules, and the worst that they found.
type Check struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	Findings []string `json:"findings,omitempty"` // their ids
}

// Report is what [Examine] comes to. Its JSON form is what `doctor --json` prints, and only
// grows.
type Report struct {
	Service  string    `json:"service"`
	Severity Severity  `json:"severity"` // of the worst finding; "ok" if there is none
	Findings []Finding `json:"findings"` // the worst first, causes before what they explain
	Checks   []Check   `json:"checks"`   // the worst first
}

// Count is how many findings are at least as grave as least.
func (r Report) Count(least Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity.rank() >= least.rank() {
			n++
		}
	}
	return n
}

// Checks are the names of all groups of rules, in the order in which a service comes to be.
func Checks() []string {
	var names []string
	for _, r := range rules {
		if !slices.Contains(names, r.check) {
			names = append(names, r.check)
		}
	}
	return names
}

// Examine judges f by the rules of those checks; none named: by all. It never panics,
// whatever f holds, and gives the same report for the same facts.
func Examine(f Facts, checks ...string) Report {
	if checks == nil {
		checks = Checks()
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

// ranked is a finding with the place of its rule among all.
type ranked struct {
	Finding
	rule int
}

// explain marks what is but a consequence with the first cause of all, and makes that as
// grave as what it explains. The first rule that explains a finding is its cause; a note
// explains nothing. That rules explain only those behind them keeps it from going round.
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
