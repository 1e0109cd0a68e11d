package cli_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// New lines of a log are shown, also those of a file that replaces it in a rotation. Nothing
// is shown twice.
func TestLogsFollow(t *testing.T) {
	for name, tt := range map[string]struct {
		then func(p *place, log string) // what happens to the file, in a bubble's time
		want string
	}{
		"nothing": {
			then: func(*place, string) {},
			want: "two\n",
		},
		"it grows": {
			then: func(p *place, log string) {
				p.add(log, "three\n")
				time.Sleep(time.Second)
				p.add(log, "four\n")
			},
			want: "two\nthree\nfour\n",
		},
		"half a line": {
			then: func(p *place, log string) {
				p.add(log, "thr")
				time.Sleep(time.Second)
				p.add(log, "ee\n")
			},
			want: "two\nthree\n",
		},
		"it is rotated": {
			then: func(p *place, log string) {
				p.add(log, "last of the old\n")
				if err := os.Rename(log, log+".1"); err != nil {
					t.Skip(err)
				}
				p.put(log, "first of the new\n")
				time.Sleep(time.Second)
				p.add(log, "second of the new\n")
			},
			want: "two\nlast of the old\nfirst of the new\nsecond of the new\n",
		},
		"it is copied and truncated": {
			then: func(p *place, log string) {
				if err := os.Truncate(log, 0); err != nil {
					t.Skip(err)
				}
				time.Sleep(time.Second)
				p.add(log, "new\n")
			},
			want: "two\nnew\n",
		},
		"it is away for a while": {
			then: func(p *place, log string) {
				if err := os.Rename(log, log+".1"); err != nil {
					t.Skip(err)
				}
				time.Sleep(time.Second)
				p.put(log, "new\n")
			},
			want: "two\nnew\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t)
				p.cfg.Log.File = p.dir + "/feedd.log"
				p.put(p.cfg.Log.File, "one\ntwo\n")
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					time.Sleep(time.Second)
					tt.then(p, p.cfg.Log.File)
					time.Sleep(time.Second)
					cancel()
				}()
				if err := p.runOn(ctx, p.machine(), "logs", "--follow", "--lines", "1"); err != nil {
					t.Errorf("ctrl-C is how it ends, and no error: %v", err)
				}
				if got := p.out.String(); got != tt.want {
					t.Errorf("shown: %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// add writes more to a file.
func (p *place) add(path, text string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		p.t.Error(err)
	}
}

// A manager's command shows its log, and its exit code is passed on.
func TestLogsOfACommand(t *testing.T) {
	p := newPlace(t)
	p.m.logs = []string{"sh", "-c", "echo shown; echo why >&2; exit 7"}
	code, err := p.run("logs")
	if strings.Contains(errText(err), "not found") {
		t.Skip(err)
	}
	if code != 7 || p.out.String() != "shown\n" || p.errs.String() != "why\n" {
		t.Errorf("exit code %d, %q, %q: %v", code, p.out.String(), p.errs.String(), err)
	}
	p.m.logs = []string{"/nonexistent/journalctl"}
	p.wants("logs", 1, "journalctl")
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
