package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// MaxPending limits the alarms that wait for delivery.
const MaxPending = 64

const (
	maxSent   = 128     // delivered alarms that are remembered
	maxLevels = 64      // subjects whose level is remembered
	maxQueue  = 4 << 20 // bytes of the file, more than all of the above needs
	maxTries  = 100     // of one alarm by one way of delivery
)

// File returns the path of the queue of the service id.
func File(stateDir, id string) string { return filepath.Join(stateDir, id+".alarms.json") }

// A queue is the content of the file. Its methods must be called by one goroutine at a time.
type queue struct {
	Pending []*pending `json:"pending"`
	Sent    []sent     `json:"sent"` // the oldest first
	Ways    []Way      `json:"ways"`
	Dropped int        `json:"dropped,omitempty"` // since the last delivery
	// Levels has the last reported level of each problem that has degrees.
	Levels map[string]int `json:"levels,omitempty"`
	Tested *Tested        `json:"tested,omitempty"`

	joined, lost int // numbers of alarms of this run that were joined and that were dropped
}

// A pending is an alarm that is not completely delivered.
type pending struct {
	Event
	NotBefore time.Time      `json:"not_before,omitzero"` // earliest time of the first delivery
	Left      map[string]int `json:"left"`                // remaining ways of delivery, with the number of failed tries

	begun bool // this run has begun a delivery
}

// tried reports whether the alarm may have reached anybody.
func (p *pending) tried() bool {
	return p.begun || slices.Max(append(slices.Collect(maps.Values(p.Left)), 0)) > 0
}

// A sent is the record of an alarm that was delivered or given up.
type sent struct {
	ID  string    `json:"id"`
	Key string    `json:"key"`
	At  time.Time `json:"at"`
}

// A Way is a way of delivery, with its latest results.
type Way struct {
	Name        string    `json:"name"` // "command" or "webhook"
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastFailure time.Time `json:"last_failure,omitzero"`
	Error       string    `json:"error,omitempty"` // of the last failure
	InARow      int       `json:"in_a_row"`        // failures since the last success
}

// Tested is the result of the last [Test].
type Tested struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Results []Result  `json:"results"`
	// Complete means that there is a result for each way.
	Complete bool `json:"complete"`
}

// A Result is the result of one delivery.
type Result struct {
	Way   string `json:"way"`
	Error string `json:"error,omitempty"` // empty: it was delivered
}

// A Report describes a service's alarms. It is available while the service is down, too.
type Report struct {
	Pending int       `json:"pending"`             // alarms that are not completely delivered
	Oldest  time.Time `json:"oldest,omitzero"`     // time of the oldest of these
	Dropped int       `json:"dropped"`             // lost since the last delivery
	Ways    []Way     `json:"ways"`                // the ways that were ever tried
	Tested  *Tested   `json:"last_test,omitempty"` // nil: there was no test
}

// Failing returns the ways whose last delivery failed.
func (r Report) Failing() []Way {
	return slices.DeleteFunc(slices.Clone(r.Ways), func(w Way) bool { return w.InARow == 0 })
}

// Read returns the report from the queue file at path, or nil if there is no file. It follows
// no link, and blocks only for the disk: see [files.Read].
func Read(path string) (*Report, error) {
	q, err := readQueue(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Report{Pending: len(q.Pending), Dropped: q.Dropped, Ways: append([]Way{}, q.Ways...), Tested: q.Tested}
	for _, p := range q.Pending {
		if r.Oldest.IsZero() || p.First.Before(r.Oldest) {
			r.Oldest = p.First
		}
	}
	return r, nil
}

func readQueue(path string) (*queue, error) {
	content, _, err := files.Read(path, maxQueue)
	if err != nil {
		return nil, fmt.Errorf("queue of alarms: %w", err)
	}
	return decodeQueue(content)
}

// decodeQueue decodes content, which may be anything, and drops what is invalid.
func decodeQueue(content []byte) (*queue, error) {
	var q queue
	if err := files.DecodeJSON(content, &q); err != nil {
		return nil, fmt.Errorf("queue of alarms: %w", err)
	}
	q.tidy()
	return &q, nil
}

// tidy drops invalid and excess entries.
func (q *queue) tidy() {
	q.Pending = slices.DeleteFunc(q.Pending, func(p *pending) bool {
		if p == nil || p.ID == "" || p.Kind == "" || len(p.Left) == 0 || p.Count < 1 {
			return true
		}
		p.Text, p.Subject, p.ID, p.Kind = plain(p.Text, maxText), plain(p.Subject, maxSubject), plain(p.ID, maxSubject), Kind(plain(string(p.Kind), maxSubject))
		p.Service, p.Host, p.Version = plain(p.Service, maxSubject), plain(p.Host, maxSubject), plain(p.Version, maxSubject)
		maps.DeleteFunc(p.Left, func(name string, tries int) bool { return !slices.Contains(ways(), name) || tries < 0 })
		return len(p.Left) == 0
	})
	q.Sent = q.Sent[max(0, len(q.Sent)-maxSent):]
	for i, s := range q.Sent {
		q.Sent[i].ID, q.Sent[i].Key = plain(s.ID, maxSubject), plain(s.Key, 3*maxSubject)
	}
	var named []Way
	for _, name := range ways() {
		if i := slices.IndexFunc(q.Ways, func(w Way) bool { return w.Name == name }); i >= 0 {
			q.Ways[i].Error = plain(q.Ways[i].Error, maxText)
			named = append(named, q.Ways[i])
		}
	}
	q.Ways = named
	maps.DeleteFunc(q.Levels, func(key string, n int) bool { return n <= 0 || len(key) > 3*maxSubject })
	if len(q.Levels) > maxLevels {
		q.Levels = nil
	}
	if q.Tested != nil {
		q.Tested.ID = plain(q.Tested.ID, maxSubject)
		q.Tested.Results = q.Tested.Results[:min(len(ways()), len(q.Tested.Results))]
		for i, r := range q.Tested.Results {
			q.Tested.Results[i] = Result{plain(r.Way, maxSubject), plain(r.Error, maxText)}
		}
	}
	q.Dropped = max(0, q.Dropped)
	q.bound()
}

// The ways of delivery.
const (
	byCommand = "command"
	byWebhook = "webhook"
)

func ways() []string { return []string{byCommand, byWebhook} }

// encode returns the content of the file.
func (q *queue) encode() ([]byte, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("queue of alarms: %w", err)
	}
	return append(b, '\n'), nil
}

// has reports whether an alarm with that id waits or was delivered recently.
func (q *queue) has(id string) bool {
	return slices.ContainsFunc(q.Pending, func(p *pending) bool { return p.ID == id }) ||
		slices.ContainsFunc(q.Sent, func(s sent) bool { return s.ID == id })
}

// told reports whether e, or the alarm that makes it superfluous, waits or was delivered
// recently.
func (q *queue) told(e Event) bool { return q.has(e.ID) || e.unless != "" && q.has(e.unless) }

// add queues e for delivery by the given ways, or joins it with an alarm that has not been
// tried yet.
func (q *queue) add(e Event, by []string, every time.Duration) {
	if e.Kind != Test {
		for _, p := range q.Pending {
			if p.key() == e.key() && !p.tried() {
				p.join(e)
				q.joined++ // those that are joined in e were counted before
				return
			}
		}
	}
	p := &pending{Event: e, Left: map[string]int{}}
	for _, name := range by {
		p.Left[name] = 0
	}
	p.NotBefore = q.notBefore(e, every)
	q.Pending = append(q.Pending, p)
	q.bound()
}

// notBefore returns the earliest time for the delivery of e; zero means at once.
func (q *queue) notBefore(e Event, every time.Duration) (at time.Time) {
	for _, s := range q.Sent {
		if next := s.At.Add(every); s.Key == e.key() && e.Kind != Test && next.After(at) && next.After(e.Last) {
			at = next
		}
	}
	// The clock may have been set back since. Never wait longer than the limit itself.
	if latest := e.Last.Add(every); at.After(latest) {
		return latest
	}
	return at
}

func (q *queue) drop(n int) {
	q.Dropped += n
	q.lost += n
}

// bound drops the oldest alarms if there are too many.
func (q *queue) bound() {
	for len(q.Pending) > MaxPending {
		q.drop(q.Pending[0].Count)
		q.Pending = q.Pending[1:]
	}
}

// next returns the alarm to deliver by that way. If none is due, it returns nil and the time
// when one will be, or zero if there is none. Alarms of the same kind and subject are
// delivered in order. Those with fewer failures come first, but a test comes before all
// others, because somebody waits for it.
func (q *queue) next(way string, now time.Time) (best *pending, at time.Time) {
	seen := map[string]bool{}
	for _, p := range q.Pending {
		tries, left := p.Left[way]
		if !left || seen[p.key()] {
			continue
		}
		seen[p.key()] = true
		switch {
		case p.NotBefore.After(now):
			if at.IsZero() || p.NotBefore.Before(at) {
				at = p.NotBefore
			}
		case best == nil || best.Kind != Test && (p.Kind == Test || tries < best.Left[way]):
			best = p
		}
	}
	return best, at
}

// delivered records the result of a delivery of the alarm id. It returns the alarm if that was
// its last try.
func (q *queue) delivered(id, way string, failed error, now time.Time) (givenUp *Event) {
	q.note(way, failed, now)
	i := slices.IndexFunc(q.Pending, func(p *pending) bool { return p.ID == id })
	if i < 0 { // dropped meanwhile
		return nil
	}
	p := q.Pending[i]
	if _, left := p.Left[way]; !left { // a reload has changed its ways
		return nil
	}
	if p.Kind == Test {
		q.noteTest(p.Event, way, failed, now)
	}
	switch {
	case failed == nil:
		q.Dropped = max(0, q.Dropped-p.Event.Dropped)
		delete(p.Left, way)
	case p.Kind == Test || p.Left[way]+1 >= maxTries:
		if p.Kind != Test {
			q.drop(p.Count)
			givenUp = &p.Event
		}
		delete(p.Left, way)
	default:
		p.Left[way]++
	}
	if len(p.Left) == 0 {
		if p.Kind == Test {
			q.Tested.Complete = true
		}
		q.Sent = append(q.Sent, sent{ID: p.ID, Key: p.key(), At: now})
		q.Sent = q.Sent[max(0, len(q.Sent)-maxSent):]
		q.Pending = slices.Delete(q.Pending, i, i+1)
	}
	return givenUp
}

func (q *queue) note(way string, failed error, now time.Time) {
	i := slices.IndexFunc(q.Ways, func(w Way) bool { return w.Name == way })
	if i < 0 {
		q.Ways = append(q.Ways, Way{Name: way})
		i = len(q.Ways) - 1
	}
	w := &q.Ways[i]
	if failed == nil {
		w.LastSuccess, w.InARow = now, 0
		return
	}
	w.LastFailure, w.Error = now, plain(failed.Error(), maxText)
	w.InARow++
}

func (q *queue) noteTest(e Event, way string, failed error, now time.Time) {
	if q.Tested == nil || q.Tested.ID != e.ID {
		q.Tested = &Tested{ID: e.ID}
	}
	r := Result{Way: way}
	if failed != nil {
		r.Error = plain(failed.Error(), maxText)
	}
	q.Tested.At = now
	q.Tested.Results = append(q.Tested.Results, r)
}

// level records the level of a problem, and reports whether it is higher than the last one
// reported.
func (q *queue) level(key string, n int) (worse bool) {
	was := q.Levels[key]
	switch {
	case n <= 0:
		delete(q.Levels, key)
	case q.Levels == nil:
		q.Levels = map[string]int{}
		fallthrough
	case len(q.Levels) < maxLevels || was > 0:
		q.Levels[key] = n
	}
	return n > was
}

// follow changes the waiting alarms to the given ways of delivery, if there are any, and to
// the given interval between alarms of the same kind.
func (q *queue) follow(by []string, every time.Duration) {
	if len(by) == 0 {
		return
	}
	q.Ways = slices.DeleteFunc(q.Ways, func(w Way) bool { return !slices.Contains(by, w.Name) })
	for _, p := range q.Pending {
		maps.DeleteFunc(p.Left, func(way string, _ int) bool { return !slices.Contains(by, way) })
		if len(p.Left) == 0 { // none of its ways is left: use the new ones
			for _, way := range by {
				p.Left[way] = 0
			}
		}
		if !p.tried() {
			p.NotBefore = q.notBefore(p.Event, every)
		}
	}
}
