package etcd_test

import (
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/anishathalye/porcupine"
)

// What the leaders do to the register and to the list, as one machine would do it: swap
// returns the old value, and append the index.
var (
	registerModel = porcupine.Model{
		Init:  func() any { return int64(0) },
		Step:  func(state, in, out any) (bool, any) { return out == state, in },
		Equal: func(a, b any) bool { return a == b },
	}
	listModel = porcupine.Model{
		Init:  func() any { return int64(0) },
		Step:  func(state, _, out any) (bool, any) { return out == state, state.(int64) + 1 },
		Equal: func(a, b any) bool { return a == b },
	}
)

// operations returns the history of one key. What was not made is left out. What was made, but
// was not answered, has no end; its result is what the leader would have answered. That result
// makes each operation follow one other only, so that the check never has to guess. kept are
// the values that etcd has in the end.
func operations(all []report, key string, kept values) []porcupine.Operation {
	type id struct {
		token uint64
		op    int
	}
	ended := map[id]report{}
	seen := maps.Clone(kept.has) // each value is given once, so whoever follows it has seen it
	for _, r := range all {
		if r.Kind != "return" {
			continue
		}
		ended[id{r.Token, r.Op}] = r
		if key == registerKey && r.Key == key && r.Failed != "fenced" {
			seen[r.Out] = true
		}
	}
	var ops []porcupine.Operation
	for _, r := range all {
		if r.Kind != "call" || r.Key != key {
			continue
		}
		end, ok := ended[id{r.Token, r.Op}]
		switch {
		case ok && end.Failed == "fenced":
		case ok && end.Failed == "":
			ops = append(ops, porcupine.Operation{Input: r.In, Call: r.At, Output: end.Out, Return: end.At})
		case seen[r.In]:
			ops = append(ops, porcupine.Operation{Input: r.In, Call: r.At, Output: r.Out, Return: math.MaxInt64})
		}
	}
	return ops
}

// values are what etcd has of both keys, at one instant.
type values struct {
	has    map[int64]bool
	writes map[string]int64 // how often each key was written since it exists
}

// faulty returns what is wrong with the history.
func faulty(all []report, kept values, patience time.Duration) (wrong []string) {
	for key, model := range map[string]porcupine.Model{registerKey: registerModel, listKey: listModel} {
		ops := operations(all, key, kept)
		if writes := kept.writes[key]; writes != int64(len(ops)) {
			wrong = append(wrong, fmt.Sprintf("%s: etcd counts %d writes, the history %d", key, writes, len(ops)))
		}
		if result := porcupine.CheckOperationsTimeout(model, ops, patience); result != porcupine.Ok {
			wrong = append(wrong, fmt.Sprintf("%s: %d operations are not linearizable: %s", key, len(ops), result))
		}
	}
	return wrong
}

// overlaps returns the starts that another term overlaps which was not past its deadline.
func overlaps(all []report) (wrong []string) {
	type term struct {
		who                      string
		start, end, due, claimed int64 // claimed: when due was told
	}
	terms := map[uint64]*term{}
	for _, r := range all {
		t := terms[r.Token]
		if t == nil {
			t = &term{who: r.Who, end: math.MaxInt64}
			terms[r.Token] = t
		}
		if r.Deadline > t.due {
			t.due, t.claimed = r.Deadline, r.At
		}
		switch r.Kind {
		case "start":
			t.start = r.At
		case "stop", "dead":
			t.end = min(t.end, r.At)
		}
	}
	for token, t := range terms {
		for older, o := range terms {
			if older < token && t.start < o.end && t.start < o.due {
				wrong = append(wrong, fmt.Sprintf("term %d of %s starts at %v, %v before the deadline that term %d of %s told at %v; that one ended at %v",
					token, t.who, time.Duration(t.start), time.Duration(o.due-t.start), older, o.who, time.Duration(o.claimed), time.Duration(o.end)))
			}
			if older > token && o.start <= t.start {
				wrong = append(wrong, fmt.Sprintf("term %d starts after term %d", token, older))
			}
		}
	}
	return wrong
}
