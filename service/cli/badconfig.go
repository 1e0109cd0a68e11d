package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/service"
)

// addLines adds the lines of a configuration file that cannot be used. It removes everything
// but settings of [service] with plain values.
func (r *bugreport) addLines(path string) {
	if path == "" {
		return
	}
	content, err := files.ReadFile(path)
	if err != nil {
		return // the caller has reported this error
	}
	var b strings.Builder
	for i, line := range sketch(string(content)) {
		shown := r.known.Replace(line.shown)
		if !strings.HasSuffix(shown, struck) { // text would redact this again
			shown = r.text(shown)
		}
		fmt.Fprintf(&b, "%4d  %s\n", i+1, shown)
	}
	r.put(part{"config-lines.txt", "the lines of the invalid configuration, without values, " + r.text(path), []byte(b.String())})
}

// A sketched is a line of a configuration.
type sketched struct {
	shown string // the part that is not secret
	value string // the unchanged value, if it may be secret; otherwise empty
}

// These are compiled on first use, because package regexp takes longer than a start may.
var (
	// The names have the form of settings, so that a piece of a base64 key does not match.
	sketchTable = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*\[{1,2}\s*([A-Za-z][a-z0-9_-]{0,39}(?:\s*\.\s*[A-Za-z][a-z0-9_-]{0,39})*)\s*\]{0,2}\s*$`)
	})
	sketchKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*([A-Za-z][a-z0-9_-]{0,39}(?:\s*\.\s*[A-Za-z][a-z0-9_-]{0,39})*)\s*=\s*([^=\s].*)$`)
	})
	anyKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*["']?([\w.-]+)["']?\s*=\s*(.+)$`)
	})
	// A plain value is one word or a list of words. Its quotes may be the error.
	plainValue = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\[?(?:\s*["']?[\w.:/@%+-]*["']?\s*,)*\s*["']?[\w.:/@%+-]*["']?\s*\]?\s*$`)
	})
)

// sketch reads a text that need not be TOML. It prefers to remove too much.
func sketch(text string) (lines []sketched) {
	table, quote := "", "" // quote: the delimiter of the multi-line string that we are in
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if quote != "" {
			lines = append(lines, sketched{struck, strings.TrimSpace(line)})
			if strings.Contains(line, quote) {
				quote = ""
			}
			continue
		}
		for _, q := range []string{`"""`, `'''`} {
			if strings.Count(line, q)%2 == 1 {
				quote = q
			}
		}
		lines = append(lines, sketchLine(line, &table))
	}
	return lines
}

func sketchLine(line string, table *string) sketched {
	if strings.TrimSpace(line) == "" {
		return sketched{}
	}
	if m := sketchTable().FindStringSubmatch(line); m != nil {
		*table = dotted(m[1]) + "."
		return sketched{shown: line}
	}
	m := sketchKey().FindStringSubmatch(line)
	if m == nil {
		var secret string
		if m := anyKey().FindStringSubmatch(line); m != nil && (secretName(m[1]) || secretName(*table)) {
			secret = bare(m[2])
		}
		return sketched{struck, secret}
	}
	key := *table + dotted(m[1])
	if tells(key) && plainValue().MatchString(m[2]) {
		return sketched{shown: line}
	}
	s := sketched{shown: strings.TrimSuffix(line, m[2]) + struck}
	if secretName(key) {
		s.value = bare(m[2])
	}
	return s
}

func dotted(name string) string { return strings.Join(strings.Fields(name), "") }

// bare returns a value without quotes.
func bare(value string) string { return strings.Trim(strings.TrimSpace(value), `"'`) }

// tells reports whether the value of a key may be shown. It must be a setting of [service]
// that is not free text and whose name does not suggest a secret.
func tells(key string) bool {
	name, ok := strings.CutPrefix(key, "service.")
	if !ok || secretName(name) || strings.HasPrefix(name, "alarm.") || slices.Contains([]string{"args", "systemd.extra", "systemd.unit_extra"}, name) {
		return false
	}
	return slices.ContainsFunc(service.Keys(), func(k service.Key) bool { return k.Name == name })
}
