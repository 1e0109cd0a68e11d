package proc_test

import (
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

const sane = "4711 (feedd) S 1 4711 4711 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 5 0 8675309 1 2 3"

func TestParseStat(t *testing.T) {
	cases := map[string]struct {
		line  string
		start uint64
		life  proc.Life
		fails bool
	}{
		"plain":                {line: sane, start: 8675309},
		"zombie":               {line: "1 (x) Z 1 1 1 0 -1 4 1 0 0 0 1 2 0 0 20 0 1 0 42 1", start: 42, life: proc.Zombie},
		"waited for":           {line: "1 (x) Z 0 -1 -1 0 -1 4 1 0 0 0 1 2 0 0 20 0 0 0 42 1", start: 42, life: proc.Released},
		"dead":                 {line: "1 (x) X 0 -1 -1 0 -1 4 1 0 0 0 1 2 0 0 20 0 1 0 42 1", start: 42, life: proc.Released},
		"no count of threads":  {line: "1 (x) S 1 1 1 0 -1 4 1 0 0 0 1 2 0 0 20 0 many 0 42 1", fails: true},
		"first thread ended":   {line: "1 (x) Z 1 1 1 0 -1 4 1 0 0 0 1 2 0 0 20 0 5 0 42 1", start: 42},
		"name ) R 1 ( in it":   {line: "1 (x) R 1 (y) S 1 1 1 0 -1 4 1 0 0 0 1 2 0 0 20 0 5 0 43 1", start: 43},
		"empty":                {line: "", fails: true},
		"no parenthesis":       {line: "1 x S 1", fails: true},
		"truncated":            {line: "4711 (feedd) S 1 4711", fails: true},
		"no time as user":      {line: "1 (x) S 1 1 1 0 -1 4 1 0 0 0 many 2 0 0 20 0 1 0 42 1", fails: true},
		"no time as system":    {line: "1 (x) S 1 1 1 0 -1 4 1 0 0 0 1 many 0 0 20 0 1 0 42 1", fails: true},
		"start is not a count": {line: "1 (x) S 1 1 1 0 -1 4 1 0 0 0 1 2 0 0 20 0 5 0 -43 1", fails: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			stat, err := proc.ParseStat([]byte(c.line))
			if (err != nil) != c.fails || stat.Start != c.start || stat.Life() != c.life || stat.Ended() != (c.life != 0) {
				t.Errorf("%+v, %v", stat, err)
			}
		})
	}
}

func TestParseStatOfOtherFields(t *testing.T) {
	want := proc.Stat{Name: "a) b (c", Parent: 42, Threads: 5, Used: 30 * time.Millisecond, Start: 43}
	for state, stopped := range map[string]bool{"S": false, "T": true, "t": false} {
		want.Stopped = stopped
		stat, err := proc.ParseStat([]byte("7 (a) b (c) " + state + " 42 1 1 0 -1 4 1 0 0 0 1 2 0 0 20 0 5 0 43 1"))
		if err != nil || stat != want {
			t.Errorf("%s: %+v, %v, want %+v", state, stat, err, want)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte(sane))
	f.Add([]byte("1 ()) Z"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if stat, err := proc.ParseStat(line); err != nil && stat != (proc.Stat{}) {
			t.Errorf("%+v beside the error %v", stat, err)
		}
	})
}
