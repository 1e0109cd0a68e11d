package journal_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A change is a call that changed something in the directory of a journal, or reported to the
// outside.
type change struct {
	call, path, to string
	data           []byte
	at             int64
}

// changesOf parses the calls of all threads that strace -f -y -xx recorded, in their order. It
// joins calls that another thread interrupted.
func changesOf(t *testing.T, log []byte) (all []change) {
	t.Helper()
	plain := func(s string) string {
		if !strings.HasPrefix(s, `\x`) {
			return s
		}
		b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	begun := map[string]string{}
	onFile := regexp.MustCompile(`^(\w+)\(\d+<([^>]*)>(?:, "")?(?:, (\d+))?(?:, (\d+))?\)\s+= (\d+)`)
	onNames := regexp.MustCompile(`^(renameat2?|unlinkat)\((.*)\)\s+= 0`)
	quoted := regexp.MustCompile(`"([^"]*)"`)
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		pid, line, _ := strings.Cut(lines.Text(), " ")
		line = strings.TrimSpace(line)
		if first, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			begun[pid] = first
			continue
		}
		if _, rest, ok := strings.Cut(line, " resumed>"); ok && strings.HasPrefix(line, "<...") {
			line = begun[pid] + rest
		}
		if m := onNames.FindStringSubmatch(line); m != nil {
			c := change{call: m[1][:6]}
			names := quoted.FindAllStringSubmatch(m[2], 2)
			c.path = plain(names[0][1])
			if len(names) > 1 {
				c.to = plain(names[1][1])
			}
			all = append(all, c)
			continue
		}
		line, data, _ := strings.Cut(line, `"`) // which is long, and the expression slow
		data, rest, found := strings.Cut(data, `"`)
		if found {
			line += `""` + rest
		}
		m := onFile.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		c := change{call: m[1], path: plain(m[2]), data: []byte(plain(data))}
		switch c.call {
		case "pwrite64":
			c.at, _ = strconv.ParseInt(m[4], 10, 64)
		case "ftruncate":
			c.at, _ = strconv.ParseInt(m[3], 10, 64)
		}
		all = append(all, c)
	}
	return all
}

// disk has the content of the files of a journal and of the effects, by name.
type disk map[string][]byte

func (d disk) apply(c change) {
	name := filepath.Base(c.path)
	if name != "effects" && !strings.Contains(name, journal.Suffix) {
		return
	}
	switch c.call {
	case "write":
		d[name] = append(d[name], c.data...)
	case "pwrite64":
		d[name] = step{data: c.data, at: c.at}.apply(d[name])
	case "ftruncate":
		d[name] = append(d[name], make([]byte, max(0, c.at-int64(len(d[name]))))...)[:c.at]
	case "rename":
		d[filepath.Base(c.to)] = d[name]
		delete(d, name)
	case "unlink":
		delete(d, name)
	}
}

// A killed process leaves what it has written until then. The test replays that after each
// call of any thread, while a journal is made and during begin, checkpoint, end and
// compaction. A renamed file must be on disk before the rename, and the name before anything
// more is reported.
func TestAfterEachCallThereIsAWholeJournal(t *testing.T) {
	needTracer(t)
	if _, err := os.Stat("/dev/shm"); err == nil { // this test needs no real disk
		t.Setenv("TMPDIR", "/dev/shm")
	}
	from := t.TempDir()
	log := filepath.Join(t.TempDir(), "trace")
	cmd := process(t, "once", from, 1, "strace", "-f", "-qq", "-y", "-xx", "-s", "10000000", "-o", log,
		"-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync,renameat,renameat2,unlinkat")
	if err := cmd.Run(); err != nil {
		t.Fatal(err, cmd.Stderr)
	}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	d, late, nameless := disk{}, map[string]int{}, false
	first, each := slice(t, 4)
	renames, points := 0, 0
	for n, c := range changesOf(t, content) {
		d.apply(c)
		name := filepath.Base(c.path)
		switch c.call {
		case "pwrite64", "ftruncate":
			late[name]++
		case "fsync", "fdatasync":
			delete(late, name)
			nameless = nameless && c.path != from
		case "rename":
			if filepath.Base(c.to) != "feedd"+journal.Suffix {
				break
			}
			renames++
			nameless = true
			if late[name] > 0 {
				t.Errorf("call %d: %d writes to %s are not on the disk when it is renamed", n, late[name], name)
			}
		case "write":
			if name == "effects" && (nameless || late["feedd"+journal.Suffix] > 0) {
				t.Errorf("call %d: %q is told, and is not on the disk", n, c.data)
			}
		}
		if !strings.Contains(name, journal.Suffix) || strings.HasSuffix(c.call, "sync") || strings.HasSuffix(name, ".json.new") {
			continue // the same files as before
		}
		points++
		if points%each != first {
			continue
		}
		dir := t.TempDir()
		for name, content := range maps.All(d) {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check(t, dir, 2)
		if t.Failed() {
			t.Fatalf("after call %d: %s %s", n, c.call, c.path)
		}
		_ = os.RemoveAll(dir)
	}
	if renames != 2 || points < 60 {
		t.Errorf("%d renames, of the new journal and of its compacted copy, and %d calls", renames, points)
	}
}
