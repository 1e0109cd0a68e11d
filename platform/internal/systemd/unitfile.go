package systemd

import (
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// maxLine is systemd's LONG_LINE_MAX. A longer line makes systemd refuse the file.
const maxLine = 1 << 20

// A unitFile collects the lines of a unit file, and the settings that it cannot express.
type unitFile struct {
	text strings.Builder
	room.Refusals
}

func (f *unitFile) section(name string) {
	if f.text.Len() > 0 {
		f.text.WriteByte('\n')
	}
	f.text.WriteString("[" + name + "]\n")
}

// set writes a line. The value must already be quoted for the key.
func (f *unitFile) set(key, value string) {
	if len(key)+len(value)+1 >= maxLine {
		f.Refuse(key, "has %d bytes: %w", len(value), errTooLong)
		return
	}
	f.text.WriteString(key + "=" + value + "\n")
}

// say writes value as quoted by quote. It writes nothing if value is empty.
func (f *unitFile) say(key, field, value string, quote func(string) (string, error)) {
	if value == "" {
		return
	}
	v, err := quote(value)
	if err != nil {
		f.Refuse(field, "%q: %w", value, err)
		return
	}
	f.set(key, v)
}

// list writes one line with all values of a list, or nothing if it is empty.
func (f *unitFile) list(key, field string, values []string, quote func(string) (string, error)) {
	words := make([]string, 0, len(values))
	for _, value := range values {
		w, err := quote(value)
		if err != nil {
			f.Refuse(field, "%q: %w", value, err)
			continue
		}
		words = append(words, w)
	}
	if len(words) > 0 {
		f.set(key, strings.Join(words, " "))
	}
}

// number writes n, unless it is 0, which leaves systemd's default.
func (f *unitFile) number(key string, n uint64) {
	if n != 0 {
		f.set(key, strconv.FormatUint(n, 10))
	}
}

// span writes a duration, unless it is 0, which leaves systemd's default.
func (f *unitFile) span(key, field string, d time.Duration) {
	switch {
	case d < 0:
		f.Refuse(field, "%v: is negative", d)
	case d > 0:
		f.set(key, span(d))
	}
}

// span returns d in the notation of systemd.time(7), in the largest unit that is exact.
// systemd counts microseconds. Fractions are rounded up, because 0 would mean "never".
func span(d time.Duration) string {
	us := int64(d / time.Microsecond)
	if d%time.Microsecond != 0 {
		us++
	}
	switch {
	case us%1e6 == 0:
		return strconv.FormatInt(us/1e6, 10) + "s"
	case us%1e3 == 0:
		return strconv.FormatInt(us/1e3, 10) + "ms"
	}
	return strconv.FormatInt(us, 10) + "us"
}
