package state

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// encode returns the same as json.Marshal(s). That function first makes a description of the
// type and of all types in it, which takes as much of a process's start as taking the name
// does. What only few services have is left to it.
func encode(s *State) ([]byte, error) {
	var o object
	o.begin()
	o.text("name", s.Name)
	o.someText("version", s.Version)
	o.process("process", s.Process)
	o.someText("manager", s.Manager)
	o.someText("config_file", s.ConfigFile)
	o.text("phase", string(s.Phase))
	o.time("phase_since", s.PhaseSince)
	o.time("started_at", s.StartedAt)
	o.someTime("ready_at", s.ReadyAt)
	o.someText("status_text", s.StatusText)
	o.reloads("reloads", s.Reloads)
	o.number("restarts", int64(s.Restarts))
	o.exit("last_exit", s.LastExit)
	o.before("last_run", s.LastRun)
	o.other("health", s.Health, len(s.Health) > 0)
	o.stop("stop", s.Stop)
	o.other("cluster", s.Cluster, s.Cluster != nil)
	o.other("sockets", s.Sockets, len(s.Sockets) > 0)
	o.other("next_try", s.Next, s.Next != nil)
	o.mark("gave_up", s.GaveUp)
	o.texts("settings", s.Settings)
	o.someText("trial", s.Trial)
	o.mark("examined", s.Examined)
	o.someNumber("keeper", int64(s.Keeper))
	o.end()
	return o.b, o.err
}

func (o *object) process(key string, p proc.Identity) {
	o.open(key)
	o.number("pid", int64(p.PID))
	o.count("start", p.Start)
	o.text("boot", p.Boot)
	o.someText("ns", p.Space)
	o.someText("exe", p.Exe)
	o.end()
}

func (o *object) reloads(key string, r Reloads) {
	o.open(key)
	o.count("requested", r.Requested)
	o.count("completed", r.Completed)
	o.count("failed", r.Failed)
	o.text("last_error", r.LastError)
	o.number("last_start_ns", int64(r.LastStart))
	o.someTime("last_end", r.LastEnd)
	o.someNumber("last_took_ns", int64(r.LastTook))
	o.someNumber("took_ns", int64(r.Took))
	o.end()
}

func (o *object) exit(key string, e *platform.Exit) {
	if e == nil {
		return
	}
	o.open(key)
	o.truth("clean", e.Clean)
	o.number("code", int64(e.Code))
	o.someText("signal", e.Signal)
	o.text("reason", e.Reason)
	o.someText("means", e.Means)
	o.end()
}

func (o *object) before(key string, b *Before) {
	if b == nil {
		return
	}
	o.open(key)
	o.text("how", b.How)
	o.text("outcome", b.Outcome)
	o.someText("change", b.Change)
	o.someText("program_version", b.Version)
	if b.Term != 0 {
		o.count("term", b.Term)
	}
	o.someNumber("process_id", int64(b.PID))
	o.time("began_at", b.Started)
	o.someTime("ended_at", b.Ended)
	o.end()
}

func (o *object) stop(key string, p *StopProgress) {
	if p == nil {
		return
	}
	o.open(key)
	o.text("reason", p.Reason)
	o.key("steps")
	if p.Steps == nil {
		o.b = append(o.b, "null"...)
	} else {
		o.b = append(o.b, '[')
		for i, step := range p.Steps {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.begin()
			o.text("name", step.Name)
			o.number("took_ns", int64(step.Took))
			o.someText("error", step.Error)
			o.end()
		}
		o.b = append(o.b, ']')
	}
	o.someText("now", p.Now)
	o.end()
}

// An object is a JSON object that is written member by member. The methods that begin with
// "some" omit the zero value.
type object struct {
	b   []byte
	err error // the first
}

func (o *object) begin() { o.b = append(o.b, '{') }
func (o *object) end()   { o.b = append(o.b, '}') }

func (o *object) key(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.quote(name)
	o.b = append(o.b, ':')
}

// open begins an object as a member of o. Its members follow, and then end.
func (o *object) open(key string) {
	o.key(key)
	o.begin()
}

// quote writes a string. All but plain ones are left to package json.
func (o *object) quote(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			o.marshal(s)
			return
		}
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, s...)
	o.b = append(o.b, '"')
}

func (o *object) marshal(v any) {
	text, err := json.Marshal(v)
	o.b = append(o.b, text...)
	o.fail(err)
}

func (o *object) fail(err error) {
	if o.err == nil {
		o.err = err
	}
}

func (o *object) text(key, s string) {
	o.key(key)
	o.quote(s)
}

func (o *object) someText(key, s string) {
	if s != "" {
		o.text(key, s)
	}
}

func (o *object) number(key string, n int64) {
	o.key(key)
	o.b = strconv.AppendInt(o.b, n, 10)
}

func (o *object) someNumber(key string, n int64) {
	if n != 0 {
		o.number(key, n)
	}
}

func (o *object) count(key string, n uint64) {
	o.key(key)
	o.b = strconv.AppendUint(o.b, n, 10)
}

func (o *object) truth(key string, is bool) {
	o.key(key)
	o.b = strconv.AppendBool(o.b, is)
}

func (o *object) mark(key string, is bool) {
	if is {
		o.truth(key, is)
	}
}

func (o *object) time(key string, t time.Time) {
	o.key(key)
	o.b = append(o.b, '"')
	b, err := t.AppendText(o.b)
	o.fail(err)
	o.b = append(b, '"')
}

func (o *object) someTime(key string, t time.Time) {
	if !t.IsZero() {
		o.time(key, t)
	}
}

func (o *object) texts(key string, all map[string]string) {
	if len(all) == 0 {
		return
	}
	o.open(key)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		o.text(k, all[k])
	}
	o.end()
}

func (o *object) other(key string, v any, is bool) {
	if is {
		o.key(key)
		o.marshal(v)
	}
}
