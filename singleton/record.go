package singleton

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"strconv"
)

// maxRecord bounds what is read of a file that might be anything by now.
const maxRecord = 8 << 10

func parseRecord(b []byte) (Holder, error) {
	var h Holder
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&h); err != nil {
		return Holder{}, fmt.Errorf("holder record: %w", err)
	}
	if h.PID <= 0 || h.Start == 0 || h.Boot == "" {
		return Holder{}, errors.New("holder record: no complete identity in it")
	}
	return h, nil
}

func (h Holder) record() ([]byte, error) {
	b, err := json.Marshal(h)
	return append(b, '\n'), err
}

// ParsePID reads the content of a PID file: one positive decimal number on one
// line. It is for showing to people what was found there; a process must not
// be signalled because of it.
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
			return 0, fmt.Errorf("PID file holds %q, not a process number", line)
		}
	}
	pid, err := strconv.ParseInt(string(line), 10, 32)
	if err != nil || pid == 0 {
		return 0, fmt.Errorf("PID file holds %q, not a process number", line)
	}
	return int(pid), nil
}

func userName(id string) string {
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
