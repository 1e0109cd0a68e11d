package logsink_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// An Event Log that is a list.
type events struct {
	list  []string
	texts []string
	gone  bool
}

func (e *events) report(kind uint16, id uint32, text string) error {
	if e.gone {
		return errors.New("gone")
	}
	e.list = append(e.list, fmt.Sprintf("type %d id %d: %s\n", kind, id, text))
	e.texts = append(e.texts, text)
	return nil
}

func TestEventLog(t *testing.T) {
	var e events
	b := newBed(t, logsink.Options{Level: "trace", Sink: "eventlog"}, func(o *logsink.Outside) { o.Event = e.report })
	say(b.Logger())
	b.Logger().Info("inserts", "done", "100%1", "address", "fe80::1%2", "plain", "100 %, %s")
	b.flush(t)
	golden(t, "eventlog", strings.Join(e.list, ""))
	if got := b.errText(t); got != "" {
		t.Errorf("also on stderr: %q", got)
	}
	b.flush(t)
	e.gone = true
	b.Logger().Warn("lost?", "k", "v")
	if got, want := b.errText(t), "<4>lost?: k=v\n"; got != want {
		t.Errorf("stderr has %q, want %q", got, want)
	}
}

func TestEventLogJSON(t *testing.T) {
	var e events
	b := newBed(t, logsink.Options{Sink: "eventlog", Format: "json"}, func(o *logsink.Outside) { o.Event = e.report })
	b.Logger().Error("hello", "k", "100%1")
	b.flush(t)
	var line map[string]string
	if err := json.Unmarshal([]byte(strings.Join(e.texts, "")), &line); err != nil || line["k"] != "100%1" || line["@level"] != "error" {
		t.Errorf("%v %v: %q", err, line, e.list)
	}
	if strings.Contains(e.texts[0], "%1") {
		t.Errorf("the viewer would put something in: %s", e.texts[0])
	}
}

// A line that is too long for one event is written completely, as several events.
func TestLongEvents(t *testing.T) {
	var e events
	b := newBed(t, logsink.Options{Sink: "eventlog"}, func(o *logsink.Outside) { o.Event = e.report })
	long := strings.Repeat("ü😀x", 30_000)
	b.Logger().Info("much", "long", long, "last", "field")
	b.flush(t)
	var all strings.Builder
	for i, text := range e.texts {
		if n := len(utf16.Encode([]rune(text))); n > 31_839 {
			t.Errorf("event %d has %d characters", i, n)
		}
		rest, ok := strings.CutPrefix(text, fmt.Sprintf("(%d/%d) ", i+1, len(e.texts)))
		if !ok {
			t.Errorf("event %d begins %.20q", i, text)
		}
		all.WriteString(rest)
	}
	if want := "much: long=\"" + long + "\" last=field"; all.String() != want {
		t.Errorf("the parts make %d bytes, want %d", all.Len(), len(want))
	}
}

func FuzzCutEvent(f *testing.F) {
	f.Add("", 1)
	f.Add("aü😀", 20_000)
	f.Add("\xff\xfe", 40_000)
	f.Fuzz(func(t *testing.T, text string, times int) {
		text = strings.Repeat(text, min(max(times, 0), 100_000/max(1, len(text))))
		parts := logsink.CutEvent(text)
		if strings.Join(parts, "") != text {
			t.Error("the parts are not the whole")
		}
		for _, p := range parts {
			if n := len(utf16.Encode([]rune(p))); n > 31_839-20 {
				t.Errorf("a part has %d characters", n)
			}
			if utf8.ValidString(text) && !utf8.ValidString(p) {
				t.Error("a character was cut")
			}
		}
	})
}

func TestEventLogIsOfWindows(t *testing.T) {
	s, err := logsink.Open("feedd", logsink.Options{Sink: "eventlog"})
	if runtime.GOOS != "windows" {
		var field *logsink.FieldError
		if !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &field) || field.Field != "sink" {
			t.Errorf("got %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Logger().Warn("a test of holdfast", "percent", "100%1", "text", "Grüße\n😀")
	s.Logger().Info(strings.Repeat("a long test of holdfast ", 3000))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
