package etcd_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/singleton"
	"github.com/holdfast-dev/holdfast/singleton/etcd"
	"github.com/holdfast-dev/holdfast/singleton/etcd/internal/embedded"
)

func init() { //nolint:gochecknoinits // what the test binary can be beside a test
	roles["member"] = playMember
	roles["candidate"] = playCandidate
}

// A place is the machine on which a process runs, as far as a test can make it another one.
type place struct {
	Ahead time.Duration // of the clocks since boot
}

// enter enters the place. It returns how much the clocks are really ahead.
func (p place) enter() time.Duration {
	if p.Ahead == 0 {
		return 0
	}
	ahead := shift(p.Ahead)
	if err := ownWall(); err != nil {
		fmt.Fprintln(os.Stderr, "the time of day cannot step:", err)
	}
	return ahead
}

// obey does what the test asks for, and then calls done with that request.
func obey(done func(what string)) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		what, value, _ := strings.Cut(lines.Text(), " ")
		by, err := time.ParseDuration(value)
		if err != nil {
			panic(err)
		}
		switch what {
		case "clock":
			stepWall(by)
		case "disk":
			syncTime.Store(int64(by))
		}
		done(what)
	}
}

// A membership says what a member of etcd has to do.
type membership struct {
	*embedded.Member
	place
}

// playMember is a member of etcd. It ends when it is killed.
func playMember() int {
	var m membership
	if err := json.Unmarshal([]byte(os.Getenv("HOLDFAST_MEMBER")), &m); err != nil {
		panic(err)
	}
	m.enter()
	if m.Syncs {
		if err := ownDisk(); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if err := m.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serves")
	obey(func(what string) {
		if what == "disk" {
			fmt.Println(aSync(m.Dir))
			return
		}
		fmt.Println(time.Now().Unix())
	})
	select {}
}

// A part says what a candidate has to do.
type part struct {
	Endpoints []string
	Who, Kept string
	TTL       time.Duration
	Fenced    bool // it writes on the condition that it leads; otherwise it only looks whether it does
	Pace      time.Duration
	place
}

// A report is a line that a candidate prints. Times are those of the test's boot clock.
type report struct {
	Kind     string // start, call, return, pausing, stepped, stop
	Who      string
	Token    uint64
	At       int64
	Deadline int64 // of the term, as the candidate knows it

	Op     int // the number of an operation in its term, for call and return
	Key    string
	In     int64
	Out    int64
	Failed string // "fenced": it was not made; "unknown": it may have been, or may yet be

	Ahead time.Duration // of the clocks since boot, for start
	Wall  int64         // the time of day in seconds, for stepped
}

// playCandidate campaigns and works, again and again, until it is asked to stop.
func playCandidate() int {
	var p part
	if err := json.Unmarshal([]byte(os.Getenv("HOLDFAST_PART")), &p); err != nil {
		panic(err)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	w := &worker{part: p, ahead: p.enter()}
	go obey(func(string) { w.print(report{Kind: "stepped", Wall: time.Now().Unix()}) })
	pause := make(chan os.Signal, 1)
	signal.Notify(pause, syscall.SIGUSR1)
	go func() {
		for range pause {
			w.pause.Store(true)
		}
	}()
	e, err := etcd.NewElector(etcd.Options{
		Dialer: &etcd.Dialer{Endpoints: p.Endpoints, Patience: p.TTL / 3}, Name: "faults", TTL: p.TTL, Who: p.Who, Kept: p.Kept,
	})
	if err != nil {
		panic(err)
	}
	for {
		term, err := e.Campaign(stop)
		if err != nil {
			return 0
		}
		w.leads(term)
		w.pause.Store(false) // a request from now on is for this term
		w.print(report{Kind: "start", Ahead: w.ahead})
		w.work(stop)
		w.print(report{Kind: "stop"})
		within, cancel := context.WithTimeout(context.Background(), p.TTL/3)
		_ = term.Resign(within) // the lease ends by itself
		cancel()
	}
}

// A worker is a candidate that leads.
type worker struct {
	part
	ahead time.Duration
	pause atomic.Bool // stop the process in the middle of the next operation
	op    int

	mu   sync.Mutex
	term singleton.Term // written by one goroutine only
}

func (w *worker) leads(t singleton.Term) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.term = t
}

func (w *worker) print(r report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := proc.Boottime()
	if err != nil {
		panic(err)
	}
	now -= w.ahead
	r.Who, r.At = w.Who, int64(now)
	if w.term != nil {
		r.Token, r.Deadline = w.term.Token(), int64(now+time.Until(w.term.Deadline()))
	}
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.Write(append(line, '\n'))
}

// work reads the register and the length of the list, and then answers each operation from
// memory, as a leader does.
func (w *worker) work(stop context.Context) {
	ctx, cancel := context.WithCancel(stop)
	defer cancel()
	own, _ := etcd.Of(w.term)
	client := own.Client()
	within, done := context.WithTimeout(ctx, w.TTL)
	defer done()
	register, err := client.Get(within, registerKey)
	if err != nil {
		return
	}
	list, err := client.Get(within, listKey, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return
	}
	var value int64
	if len(register.Kvs) > 0 {
		value, _ = strconv.ParseInt(string(register.Kvs[0].Value), 10, 64)
	}
	length := list.Count
	for w.op = 1; ; w.op++ {
		select {
		case <-w.term.Lost():
			return
		case <-stop.Done():
			return
		case <-time.After(w.Pace):
		}
		in := int64(w.term.Token())<<20 | int64(w.op) //nolint:gosec // small
		if w.op%2 == 0 {
			if !w.do(ctx, report{Key: registerKey, In: in, Out: value}, registerKey) {
				return
			}
			value = in
			continue
		}
		if !w.do(ctx, report{Key: listKey, In: in, Out: length}, fmt.Sprintf("%s%09d", listKey, length)) {
			return
		}
		length++
	}
}

// do makes one operation. After a failure the term cannot be used any more, because the
// operation may still happen.
func (w *worker) do(ctx context.Context, r report, key string) bool {
	r.Op, r.Kind = w.op, "call"
	w.print(r)
	if w.pause.CompareAndSwap(true, false) {
		w.print(report{Kind: "pausing"})
		woken := make(chan os.Signal, 1) // the signal to stop may take effect later than the next lines
		signal.Notify(woken, syscall.SIGCONT)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		<-woken
		signal.Stop(woken)
	}
	put := clientv3.OpPut(key, strconv.FormatInt(r.In, 10))
	within, cancel := context.WithTimeout(ctx, w.TTL)
	defer cancel()
	var err error
	if w.Fenced {
		_, err = etcd.Guarded(within, w.term, nil, []clientv3.Op{put}, nil)
	} else {
		own, _ := etcd.Of(w.term)
		for range 100 { // the connection may have to be made anew after a pause
			if _, err = own.Client().Do(within, put); err == nil || within.Err() != nil {
				break
			}
		}
	}
	r.Kind = "return"
	switch {
	case errors.Is(err, etcd.ErrSuperseded):
		r.Failed = "fenced"
	case err != nil:
		r.Failed = "unknown"
	}
	w.print(r)
	return err == nil
}

const (
	registerKey = "/faults/register"
	listKey     = "/faults/list/"
)
