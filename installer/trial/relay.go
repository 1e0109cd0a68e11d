package trial

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// message is what keeper and candidate send each other, one JSON object per line. They may
// contain different versions of holdfast. So fields are only ever added, and unknown ones are
// ignored.
type message struct {
	Ask       string      `json:"ask,omitempty"` // to the candidate: stop, reload, event
	Source    string      `json:"source,omitempty"`
	Event     string      `json:"event,omitempty"`
	Session   int         `json:"session,omitempty"`
	Notice    *noticed    `json:"notice,omitempty"`
	Configure *configured `json:"configure,omitempty"`
}

type noticed struct {
	Phase  string        `json:"phase,omitempty"`
	Text   string        `json:"text,omitempty"`
	Extend time.Duration `json:"extend_ns,omitempty"`
	Step   string        `json:"step,omitempty"`
	Alive  bool          `json:"alive,omitempty"`
}

type configured struct {
	Start  time.Duration `json:"start_ns"`
	Stop   time.Duration `json:"stop_ns"`
	Events bool          `json:"events,omitempty"`
}

func (n *noticed) notice() platform.Notice {
	if n == nil {
		return platform.Notice{}
	}
	return platform.Notice{Phase: platform.Phase(n.Phase), Text: n.Text, Extend: n.Extend, Step: n.Step, Alive: n.Alive}
}

// The words of message.Ask.
const (
	askStop   = "stop"
	askReload = "reload"
	askEvent  = "event"
)

func asking(q platform.Request) message {
	m := message{Source: q.Source}
	switch q.Kind {
	case platform.RequestStop:
		m.Ask = askStop
	case platform.RequestReload:
		m.Ask = askReload
	case platform.RequestEvent:
		m.Ask, m.Event, m.Session = askEvent, string(q.Event.Kind), q.Event.Session
	}
	return m
}

func (m message) request() (q platform.Request, ok bool) {
	q.Source = m.Source
	switch m.Ask {
	case askStop:
		q.Kind = platform.RequestStop
	case askReload:
		q.Kind = platform.RequestReload
	case askEvent:
		q.Kind, q.Event = platform.RequestEvent, platform.Event{Kind: platform.EventKind(m.Event), Session: m.Session}
	default:
		return q, false
	}
	return q, true
}

// listen delivers the messages line by line, and closes to at the end. It waits for the
// receiver until quit is closed.
func listen(from io.Reader, to chan<- message, quit <-chan struct{}) {
	defer close(to)
	for lines := bufio.NewScanner(from); lines.Scan(); {
		var m message
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue // of a version that we do not know
		}
		select {
		case to <- m:
		case <-quit:
			return
		}
	}
}

// speak writes messages until quit is closed or nobody reads them any more.
func speak(to io.Writer, what <-chan message, quit <-chan struct{}) {
	for e := json.NewEncoder(to); ; {
		select {
		case m := <-what:
			if e.Encode(m) != nil {
				return
			}
		case <-quit:
			return
		}
	}
}

// relay is the Host of a candidate that runs as a child of the confirmed version, which stands
// in for the manager. Its methods may be called by several goroutines.
type relay struct {
	name     string
	requests chan platform.Request
	done     chan struct{}
	close    func() // when the host is closed
	once     sync.Once

	mu sync.Mutex
	to *json.Encoder
}

var (
	_ platform.Host         = (*relay)(nil)
	_ platform.Configurable = (*relay)(nil)
)

// newRelay first reports that the candidate listens.
func newRelay(name string, from io.Reader, to io.Writer) *relay {
	h := &relay{name: name, requests: make(chan platform.Request), done: make(chan struct{}), to: json.NewEncoder(to)}
	heard := make(chan message)
	go listen(from, heard, h.done)
	go func() {
		for m := range heard {
			if q, ok := m.request(); ok {
				h.deliver(q)
			}
		}
		// Our keeper is no more, and so are we: a second time means at once.
		for range 2 {
			h.deliver(platform.Request{Kind: platform.RequestStop, Source: "the end of the process that keeps it"})
		}
	}()
	_ = h.say(message{})
	return h
}

func (h *relay) deliver(q platform.Request) {
	select {
	case h.requests <- q:
	case <-h.done:
	}
}

func (h *relay) say(m message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.to.Encode(m)
}

// Name returns the manager that started the confirmed version.
func (h *relay) Name() string { return h.name }

func (h *relay) Requests() <-chan platform.Request { return h.requests }

// Watchdog returns 0: the service control manager has no watchdog.
func (h *relay) Watchdog() time.Duration { return 0 }

func (h *relay) Configure(c platform.HostConfig) {
	_ = h.say(message{Configure: &configured{c.StartTimeout, c.StopTimeout, c.Events}})
}

func (h *relay) Notify(n platform.Notice) error {
	return h.say(message{Notice: &noticed{string(n.Phase), n.Text, n.Extend, n.Step, n.Alive}})
}

// Close does not report the exit code, because the parent sees it when the process ends.
func (h *relay) Close(int) error {
	h.once.Do(func() {
		close(h.done)
		if h.close != nil {
			h.close()
		}
	})
	return nil
}

// ask adds the requests that other processes make of this one.
func (h *relay) ask(signals <-chan os.Signal) {
	for {
		select {
		case s := <-signals:
			q := platform.Request{Kind: platform.RequestStop, Source: "SIGTERM"}
			if s == syscall.SIGHUP {
				q = platform.Request{Kind: platform.RequestReload, Source: "SIGHUP"}
			}
			h.deliver(q)
		case <-h.done:
			return
		}
	}
}
