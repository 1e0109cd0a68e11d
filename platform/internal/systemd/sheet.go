package systemd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// maxLine is LONG_LINE_MAX of systemd: a longer line makes it refuse the file.
const maxLine = 1 << 20

// sheet collects the lines of a unit file and what cannot be said in it, so
// that a person learns of everything at once.
type sheet struct {
	text strings.Builder
	errs []error
}

// refuse records what is wrong with a field of the unit.
func (s *sheet) refuse(field, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	s.errs = append(s.errs, fmt.Errorf("%s %w: %w", field, err, platform.ErrBadUnit))
}

func (s *sheet) section(name string) {
	if s.text.Len() > 0 {
		s.text.WriteByte('\n')
	}
	s.text.WriteString("[" + name + "]\n")
}

// set writes a line whose value is already in the form that the key reads.
func (s *sheet) set(key, value string) {
	if len(key)+len(value)+1 >= maxLine {
		s.refuse(key, "has %d bytes: %w", len(value), errTooLong)
		return
	}
	s.text.WriteString(key + "=" + value + "\n")
}

// say writes value in the form that quote gives it; an empty value says nothing.
func (s *sheet) say(key, field, value string, quote func(string) (string, error)) {
	if value == "" {
		return
	}
	v, err := quote(value)
	if err != nil {
		s.refuse(field, "%q: %w", value, err)
		return
	}
	s.set(key, v)
}

// list writes one line for all values of a list, or none.
func (s *sheet) list(key, field string, values []string, quote func(string) (string, error)) {
	words := make([]string, 0, len(values))
	for _, value := range values {
		w, err := quote(value)
		if err != nil {
			s.refuse(field, "%q: %w", value, err)
			continue
		}
		words = append(words, w)
	}
	if len(words) > 0 {
		s.set(key, strings.Join(words, " "))
	}
}

// number writes n unless it is 0, which leaves systemd's default.
func (s *sheet) number(key string, n uint64) {
	if n != 0 {
		s.set(key, strconv.FormatUint(n, 10))
	}
}

// span writes a duration unless it is 0, which leaves systemd's default.
func (s *sheet) span(key, field string, d time.Duration) {
	switch {
	case d < 0:
		s.refuse(field, "%v: is negative", d)
	case d > 0:
		s.set(key, span(d))
	}
}

// span is d in systemd.time(7), in the largest unit that is exact. systemd
// counts microseconds; a fraction of one is rounded up, as 0 would mean "never".
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
