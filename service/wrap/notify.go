package wrap

import (
	"strconv"
	"strings"
	"time"
)

// A notice is one message of sd_notify(3), in the parts that we understand.
type notice struct {
	ready, reloading, stopping bool
	status                     string
	extend                     time.Duration
	alive, dead                bool          // WATCHDOG=1, WATCHDOG=trigger
	watchdog                   time.Duration // WATCHDOG_USEC; 0: not set
	errno                      string
	store, forget              bool   // FDSTORE=1, FDSTOREREMOVE=1
	name                       string // FDNAME
	unwatched                  bool   // FDPOLL=0
	files                      []int  // the descriptors that came with it
	refused                    []string
}

func parseNotice(text string) (n notice) {
	for line := range strings.SplitSeq(text, "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		switch key {
		case "READY":
			n.ready = value == "1"
		case "RELOADING":
			n.reloading = value == "1"
		case "STOPPING":
			n.stopping = value == "1"
		case "STATUS":
			n.status = value
		case "EXTEND_TIMEOUT_USEC":
			n.extend = microseconds(value)
		case "WATCHDOG":
			n.alive, n.dead = value == "1", value == "trigger"
		case "WATCHDOG_USEC":
			n.watchdog = microseconds(value)
		case "ERRNO", "BUSERROR", "VARLINKERROR", "EXIT_STATUS":
			n.errno = line
		case "FDSTORE":
			n.store = value == "1"
		case "FDSTOREREMOVE":
			n.forget = value == "1"
		case "FDNAME":
			if n.name == "" { // like systemd
				n.name = value
			}
		case "FDPOLL":
			n.unwatched = value == "0"
		case "MAINPID", "MAINPIDFDID", "NOTIFYACCESS":
			n.refused = append(n.refused, line)
		}
	}
	if n.stopping { // like systemd
		n.ready, n.reloading = false, false
	} else if n.ready {
		n.reloading = false
	}
	return n
}

func microseconds(text string) time.Duration {
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil || us <= 0 || us > int64(1<<63-1)/int64(time.Microsecond) {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}
