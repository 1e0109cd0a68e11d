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

// maxRecord limits how much is read of a file that may be anything, in bytes.
const maxRecord = 8 << 10

// parseRecord decodes the content of a lock file. Its errors do not quote the content.
func parseRecord(b []byte) (Holder, error) {
	var h Holder
	dec := json.NewDecoder(bytes.NewReader(b))
	if dec.Decode(&h) != nil {
		return Holder{}, errors.New("holder record: not in the format of a holder's record")
	}
	if h.PID <= 0 || h.Start == 0 || h.Boot == "" {
		return Holder{}, errors.New("holder record: the identity in it is incomplete")
	}
	return h, nil
}

func (h Holder) record() ([]byte, error) {
	b, err := json.Marshal(h)
	return padded(b), err
}

// recordBlock divides the size of every record, in bytes. So all records have the same size
// and are overwritten in place. If the file were truncated first, ext4 would write it to disk
// when it is closed (auto_da_alloc in ext4(5)). That would cost ten times as much as
// everything else, and need space on a full disk.
const recordBlock = 512

// padded returns line with spaces before its end.
func padded(line []byte) []byte {
	room := recordBlock - (len(line)+1)%recordBlock
	return slices.Concat(line, bytes.Repeat([]byte(" "), room), []byte("\n"))
}

// ParsePID decodes the content of a PID file: one positive decimal number on one line. The
// result is for showing to people; a process must not be signalled because of it. Errors do
// not quote the content.
func ParsePID(content []byte) (int, error) {
	const longest = len("2147483647")
	line := bytes.TrimSuffix(content, []byte("\n"))
	if len(line) == 0 {
		return 0, errors.New("PID file is empty")
	}
	if len(line) > longest {
		return 0, errors.New("PID file is too long to be a process number")
	}
	for _, c := range line {
		if c < '0' || c > '9' {
			return 0, errors.New("PID file does not hold a process number")
		}
	}
	pid, err := strconv.ParseInt(string(line), 10, 32)
	if err != nil || pid == 0 {
		return 0, fmt.Errorf("PID file holds %s, not a process number", line) // only digits
	}
	return int(pid), nil
}

func userName(id string) string {
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
