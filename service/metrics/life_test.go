//go:build linux || darwin || windows

package metrics_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/metrics"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A life is a service in this process.
type life struct {
	t    *testing.T
	dir  string
	cfg  service.Config
	m    *metrics.Metrics
	rt   *service.Runtime
	stop context.CancelFunc
	done chan error
	over bool
}

// home returns a life with a directory of its own.
func home(t *testing.T, table string) *life {
	t.Helper()
	dir, err := os.MkdirTemp("", "feedd") //nolint:usetesting // a hanging goroutine may write after the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "feedd.toml")
	if err := os.WriteFile(file, []byte("[service.metrics]\n"+strings.ReplaceAll(table, "DIR", filepath.ToSlash(dir))), 0o600); err != nil {
		t.Fatal(err)
	}
	return &life{t: t, dir: dir, m: metrics.New(), cfg: service.Config{
		Name: "feedd", Version: "1.2.3", File: file, RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
		Log: logsink.Options{File: filepath.Join(dir, "log")},
	}}
}

// begin begins a run and waits until it is ready.
func (l *life) begin(start func(*service.Runtime) error) {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	ready := make(chan *service.Runtime, 1)
	l.stop, l.done, l.over = stop, make(chan error, 1), false
	cfg := l.cfg
	cfg.Extensions = []service.Extension{l.m}
	go func() {
		l.done <- service.Run(ctx, cfg, &program{start: func(_ context.Context, rt *service.Runtime) error {
			ready <- rt
			if start == nil {
				return nil
			}
			return start(rt)
		}})
	}()
	l.t.Cleanup(func() {
		if l.stop(); !l.over {
			if err := <-l.done; err != nil {
				l.t.Log(err)
			}
		}
	})
	select {
	case l.rt = <-ready:
		wait.For(l.t, "readiness", l.rt.WhenReady(), l.log)
	case err := <-l.done:
		l.over = true
		l.t.Fatalf("it ended before it was ready: %v", err)
	}
}

func (l *life) end() error {
	l.t.Helper()
	l.stop()
	err := wait.For(l.t, "the end", l.done, l.log)
	l.over = true
	return err
}

func (l *life) log() string {
	text, _ := os.ReadFile(l.cfg.Log.File)
	return string(text)
}

// url returns the address of the last run.
func (l *life) url() string {
	l.t.Helper()
	var at string
	wait.Until(l.t, "the listener", func() bool {
		found := regexp.MustCompile(`metrics are served: listen=(127\S+)`).FindAllStringSubmatch(l.log(), -1)
		if len(found) > 0 {
			at = found[len(found)-1][1]
		}
		return at != ""
	}, l.log)
	return "http://" + at
}

// A program is a Program of one function.
type program struct {
	start func(context.Context, *service.Runtime) error
}

func (p *program) Start(ctx context.Context, rt *service.Runtime) error { return p.start(ctx, rt) }
func (*program) Stop(context.Context) error                             { return nil }
func (*program) Reload(context.Context) error                           { return nil }

func TestNothingIsOpenedUnlessTheConfigurationSaysSo(t *testing.T) {
	l := home(t, "")
	l.begin(nil)
	if steps := fmt.Sprint(l.rt.State().Stop); strings.Contains(steps, "metrics") || strings.Contains(l.log(), "metrics") {
		t.Errorf("%s\n%s", steps, l.log())
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
}

// An address in use is logged and tried again, and the service becomes ready nevertheless.
func TestAnAddressThatCannotBeHadIsToldAndTriedAgain(t *testing.T) {
	taken, err := new(netListener).listen(t)
	if err != nil {
		t.Fatal(err)
	}
	l := home(t, fmt.Sprintf("listen = %q\n", taken.Addr()))
	l.begin(nil)
	wait.Until(t, "word of it", func() bool { return strings.Contains(l.log(), "metrics cannot be served: trying again") }, l.log)
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if code, _, _ := get(t, l.url()+"/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d", code)
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(l.log(), "cannot be served"); n != 1 {
		t.Errorf("told %d times\n%s", n, l.log())
	}
}

func TestWhoRequiresTheListenerDoesNotStartWithoutIt(t *testing.T) {
	taken, err := new(netListener).listen(t)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	l := home(t, fmt.Sprintf("listen = %q\nrequired = true\n", taken.Addr()))
	l.cfg.Extensions = []service.Extension{l.m}
	err = service.Run(t.Context(), l.cfg, &program{start: func(context.Context, *service.Runtime) error {
		t.Error("it starts")
		return nil
	}})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("%v", err)
	}
}

// A collector of the program that hangs in a scrape, and in a textfile, does not delay a stop.
func TestAHangingCollectorDelaysNoStop(t *testing.T) {
	l := home(t, "listen = \"127.0.0.1:0\"\ntextfile = \"DIR/feedd.prom\"\n")
	hanging, release := make(chan struct{}, 100), make(chan struct{})
	defer close(release)
	l.m.Registerer().MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "feedd_hangs", Help: "Hangs."}, func() float64 {
		hanging <- struct{}{}
		<-release
		return 0
	}))
	l.begin(nil)
	at := l.url()
	for range 3 { // together with the textfile
		go func() {
			for lost(at + "/metrics") {
			}
		}()
	}
	for range 4 {
		wait.For(t, "a collection", hanging, l.log)
	}
	if code, _, _ := get(t, at+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz meanwhile: %d", code)
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
}

// After an ordered stop the textfile says so. It is complete at every instant.
func TestTheTextfileIsWrittenAndSaysTheEnd(t *testing.T) {
	l := home(t, "textfile = \"DIR/feedd.prom\"\ntextfile_interval = \"1s\"\ntextfile_mode = \"0640\"\n")
	l.m.Registerer().MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "feedd_queue", Help: "Waits."}, func() float64 { return 7 }))
	path := filepath.Join(l.dir, "feedd.prom")
	if err := os.WriteFile(path+".kept", []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := os.Symlink(path+".kept", path) == nil // on Windows not everybody may do so
	read := func() string {
		b, _ := os.ReadFile(path)
		return string(b)
	}
	l.begin(nil)
	ready := `holdfast_phase{phase="ready",service="feedd"} 1`
	wait.Until(t, "the ready service in the file", func() bool { return strings.Contains(read(), ready) }, read)
	for _, want := range []string{`feedd_queue{service="feedd"} 7`, `holdfast_info{manager="",service="feedd",version="1.2.3"} 1`} {
		if !strings.Contains(read(), want) {
			t.Errorf("no %s in\n%s", want, read())
		}
	}
	if strings.Contains(read(), "go_goroutines") || strings.Contains(read(), "process_") {
		t.Errorf("what node_exporter has of itself is there, too:\n%s", read())
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(read(), `holdfast_phase{phase="stopped",service="feedd"} 1`) || !strings.Contains(read(), `holdfast_ready{service="feedd"} 0`) {
		t.Errorf("after the stop:\n%s", read())
	}
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || linked && info.Mode().Perm() != 0o640 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if kept, err := os.ReadFile(path + ".kept"); err != nil || string(kept) != "kept" {
		t.Errorf("it was written through a link: %q, %v", kept, err)
	}
}

func TestATextfileThatCannotBeWrittenIsToldOnce(t *testing.T) {
	l := home(t, "textfile = \"DIR/none/feedd.prom\"\ntextfile_interval = \"1s\"\n")
	l.begin(nil)
	wait.Until(t, "word of it", func() bool { return strings.Contains(l.log(), "metrics file cannot be written") }, l.log)
	if err := os.Mkdir(filepath.Join(l.dir, "none"), 0o700); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "word that it is over", func() bool { return strings.Contains(l.log(), "metrics file is written again") }, l.log)
	if err := l.end(); err != nil {
		t.Error(err)
	}
}

// The time that a scrape waits for a read is that of a clock that runs only while all wait: on a
// busy machine even a quick read takes longer.
func TestAReadThatHangsIsNotWaitedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, release := make(chan int, 10), make(chan struct{})
		n := 0
		read := metrics.Remembered(func() int {
			n++
			calls <- n
			if n == 2 {
				<-release
			}
			return n
		})
		if got := read(); got != 1 {
			t.Fatalf("%d", got)
		}
		begun := time.Now()
		for range 2 { // the second call hangs, and there is no third
			if got := read(); got != 1 {
				t.Errorf("%d after %v", got, time.Since(begun))
			}
		}
		if len(calls) != 2 {
			t.Errorf("%d calls while one hangs", len(calls))
		}
		close(release)
		synctest.Wait()
		if got := read(); got != 3 {
			t.Errorf("%d after the end of the one that hung", got)
		}
	})
}
