package systemd

import (
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// next returns the start that systemd will try after a failure, or nil.
func (p properties) next() *platform.NextTry {
	if !strings.HasPrefix(p["SubState"], "auto-restart") {
		return nil
	}
	n := &platform.NextTry{Number: p.number("NRestarts") + 1}
	delay, known := readSpan(p["RestartUSecNext"]) // since systemd 254 it can grow
	if !known || delay == 0 {
		delay, known = readSpan(p["RestartUSec"])
	}
	if at := p.time("StateChangeTimestamp"); known && !at.IsZero() {
		n.At = at.Add(delay)
	}
	// systemd also counts the first start.
	if window, ok := readSpan(p["StartLimitIntervalUSec"]); ok && window > 0 && p.number("StartLimitBurst") > 0 {
		n.Max, n.Window = p.number("StartLimitBurst")-1, window
	}
	return n
}

// readSpan parses a time span as systemctl prints it, such as "1min 30s": see systemd.time(7).
func readSpan(text string) (time.Duration, bool) {
	units := map[string]time.Duration{
		"us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "min": time.Minute,
		"h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
	}
	var sum time.Duration
	words := strings.Fields(text)
	for _, word := range words {
		i := strings.IndexFunc(word, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if i < 0 {
			if word == "0" {
				continue
			}
			return 0, false
		}
		n, err := strconv.ParseFloat(word[:i], 64)
		unit, ok := units[word[i:]]
		if err != nil || !ok {
			return 0, false
		}
		sum += time.Duration(n * float64(unit))
	}
	return sum, len(words) > 0
}

// lingers reports whether the user's systemd runs from boot on, even without a login.
func (m *Manager) lingers() bool {
	return m.o.User != "" && m.exists("/var/lib/systemd/linger/"+m.o.User)
}
