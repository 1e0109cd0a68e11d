package singleton

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"
)

// maxRecord bounds what is read of a file that might be anything by now.
const maxRecord = 8 << 10

// parseRecord reads the content of a lock file. Its errors say nothing of it.
func parseRecord(b []byte) (Holder, error) {
	var h Holder
	dec := json.NewDecoder(bytes.NewReader(b))
	if dec.Decode(&h) != nil {
		return Holder{}, errors.New("holder record: not one that a holder writes")
	}
	if h.PID <= 0 || h.Start == 0 || h.Boot == "" {
		return Holder{}, errors.New("holder record: no complete identity in it")
	}
	return h, nil
}

func (h Holder) record() ([]byte, error) {
	b, err := json.Marshal(h)
	return padded(b), err
}

// A record has a size that is a multiple of this, and so the same for every
// holder: it is written over in place. Truncating it first would have ext4 write
// it to the disk when it is closed (auto_da_alloc in ext4(5)), ten times the cost
// of all else, and need room on a full disk.
const recordBlock = 512

// padded is a line with spaces before its end.
func padded(line []byte) []byte {
	room := recordBlock - (len(line)+1)%recordBlock
	return slices.Concat(line, bytes.Repeat([]byte(" "), room), []byte("\n"))
}

// ParsePID reads the content of a PID file: one positive decimal number on one
// line. It is for showing to people what was found there; a process must not
// be signalled because of it. Its errors do not quote the content.
func ParsePID(content []byte) (int, error) {
	const longest = len("2147483647")
	line := bytes.TrimSuffix(content, []byte("\n"))
	if len(line) == 0 {
		return 0, errors.New("PID file is empty")
	}
	if len(line) > longest {
		return 0, errors.New("PID file is too long: not a process number")
	}
	for _, c := range line {
		if c < '0' || c > '9' {
			return 0, errors.New("PID file holds something else, not a process number")
		}
	}
	pid, err := strconv.ParseInt(string(line), 10, 32)
	if err != nil || pid == 0 {
		return 0, fmt.Errorf("PID file holds %s, not a process number", line) // digits alone
	}
	return int(pid), nil
}

func userName(id string) string {
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
