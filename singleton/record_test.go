package singleton_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/singleton"
)

func TestParsePID(t *testing.T) {
	cases := map[string]struct {
		content string
		pid     int
	}{
		"ours":           {"4711\n", 4711},
		"no newline":     {"4711", 4711},
		"one":            {"1\n", 1}, // a container's only process
		"largest":        {"2147483647\n", 2147483647},
		"empty":          {"", 0},
		"only a newline": {"\n", 0},
		"zero":           {"0\n", 0},
		"negative":       {"-1\n", 0},
		"plus":           {"+7\n", 0},
		"space before":   {" 7\n", 0},
		"two lines":      {"7\n8\n", 0},
		"too large":      {"2147483648\n", 0},
		"huge":           {strings.Repeat("9", 1<<20), 0},
		"binary":         {"\x00\x01\x02\xff", 0},
		"hexadecimal":    {"0x10", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			pid, err := singleton.ParsePID([]byte(c.content))
			if pid != c.pid || (err == nil) != (c.pid > 0) {
				t.Errorf("pid=%d err=%v, want %d", pid, err, c.pid)
			}
		})
	}
}

func FuzzParsePID(f *testing.F) {
	for _, s := range []string{"4711\n", "", "-1", "0", "999999999999999999999", "1 2", "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		pid, err := singleton.ParsePID(content)
		if err != nil {
			if pid != 0 {
				t.Errorf("pid %d beside error %v", pid, err)
			}
			return
		}
		// Accepted content is just this number (except leading zeros).
		digits := strings.TrimLeft(strings.TrimSuffix(string(content), "\n"), "0")
		if pid <= 0 || digits != strconv.Itoa(pid) {
			t.Errorf("%q read as %d", content, pid)
		}
	})
}

// Whatever the lock file contains, it names a complete identity or nobody.
func FuzzParseRecord(f *testing.F) {
	f.Add([]byte(`{"pid":4711,"start":1,"boot":"b","ns":"pid:[1]","exe":"/x","uid":0,"since":"2026-01-02T03:04:05Z","origin":"systemd"}` + "\n"))
	f.Add([]byte(`{"pid":-1,"start":1,"boot":"b"}`))
	f.Add([]byte(`{"pid":1`))
	f.Add([]byte("\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := singleton.ParseRecord(content)
		if err != nil && h.Known() {
			t.Errorf("a holder %+v beside the error %v", h, err)
		}
		if err == nil && (h.PID <= 0 || h.Start == 0 || h.Boot == "") {
			t.Errorf("%q was read as %+v", content, h)
		}
	})
}
