package logsink

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// outlet is a destination that can fail. It takes whole lines, one at a time,
// and does not keep them.
type outlet interface {
	put(level hclog.Level, line []byte) error
	close() error
}

// drain is the writer between hclog and an outlet: what the outlet does not
// take, or what comes after Close, goes to stderr rather than get lost.
type drain struct {
	bare   bool // cut off the level, the outlet has its own word for it
	stderr io.Writer

	mu sync.Mutex
	to outlet // nil: closed
}

// bracket is the width of what hclog writes before a line without time, the same
// for every level: "[INFO]  ", "[DEBUG] ".
const bracket = len("[DEBUG] ")

// LevelWrite implements hclog.LevelWriter.
func (d *drain) LevelWrite(level hclog.Level, line []byte) (int, error) {
	n := len(line)
	if d.bare {
		line = bytes.TrimRight(line[bracket:], " \n")
	} else {
		line = bytes.TrimSuffix(line, []byte("\n"))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err := os.ErrClosed
	if d.to != nil {
		err = d.to.put(level, line)
	}
	if err == nil {
		return n, nil
	}
	// One call, so that lines of other writers do not get in between.
	start := fmt.Appendf(nil, "<%d>", severity(level))
	line = bytes.ReplaceAll(line, []byte("\n"), append([]byte("\n"), start...))
	return d.stderr.Write(append(append(start, line...), '\n'))
}

// Write is what an hclog.LevelWriter must have, too; hclog does not call it.
func (d *drain) Write(line []byte) (int, error) { return d.LevelWrite(hclog.Info, line) }

func (d *drain) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.to == nil {
		return nil
	}
	err := d.to.close()
	d.to = nil
	return err
}

// severity is the number of a level in syslog(3), sd-daemon(3) and the journal.
func severity(l hclog.Level) int {
	switch l {
	case hclog.Error:
		return 3
	case hclog.Warn:
		return 4
	case hclog.Info:
		return 6
	}
	return 7 // debug and trace
}
