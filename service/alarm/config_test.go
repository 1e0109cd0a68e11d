package alarm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/alarm"
)

type nobody struct{}

func (nobody) Post(context.Context, alarm.Config, []byte) error { return nil }

func TestCheck(t *testing.T) {
	hook := func(url string, insecure bool) alarm.Config { return alarm.Config{Webhook: url, Insecure: insecure} }
	for name, tt := range map[string]struct {
		c      alarm.Config
		linked bool
		want   string // KEY: TEXT; empty: nothing is wrong
	}{
		"nothing":                   {alarm.Config{}, false, ""},
		"a command":                 {alarm.Config{Command: []string{"/usr/sbin/sendmail", "-t"}}, false, ""},
		"a command of Windows":      {alarm.Config{Command: []string{`C:\tell.exe`}}, false, ""},
		"a shell's idea":            {alarm.Config{Command: []string{"mail -s x"}}, false, "command: "},
		"an argument with NUL":      {alarm.Config{Command: []string{"/x", "a\x00"}}, false, "command: "},
		"an unknown kind":           {alarm.Config{Events: []string{"tampered", "fire"}}, false, `events: "fire" is not a kind of alarm: the kinds are tampered, `},
		"a test":                    {alarm.Config{Events: []string{"test"}}, false, "events: "},
		"no time":                   {alarm.Config{Timeout: time.Millisecond}, false, "timeout: 1ms is too short"},
		"less than none":            {alarm.Config{Every: -1}, false, "every: "},
		"too often":                 {alarm.Config{DiskEvery: time.Millisecond}, false, "disk_every: "},
		"all of the disk":           {alarm.Config{DiskFreePercent: 100}, false, "disk_free_percent: 100 is not between"},
		"never":                     {alarm.Config{DiskFreePercent: -1}, false, "disk_free_percent: "},
		"a web hook":                {hook("https://hooks.example/x", false), true, ""},
		"a web hook not asked for":  {hook("https://hooks.example/x", false), false, "webhook: this program has no web hooks"},
		"without TLS":               {hook("http://hooks.example/x", false), true, "webhook: is without TLS"},
		"without TLS, and meant":    {hook("http://hooks.example/x", true), true, ""},
		"without TLS, to itself":    {hook("http://localhost:8080/x", false), true, ""},
		"to itself by number":       {hook("http://127.1.2.3:8080/x", false), true, ""},
		"to itself by IPv6":         {hook("http://[::1]:8080/x", false), true, ""},
		"to who is only called so":  {hook("http://localhost.example/x", false), true, "webhook: is without TLS"},
		"with a password":           {hook("https://a:b@hooks.example/", false), true, "webhook: contains a name or password"},
		"another scheme":            {hook("ftp://hooks.example/", true), true, `webhook: its scheme is "ftp"`},
		"no URL":                    {hook("hooks.example/x", true), true, "webhook: is not a URL"},
		"no host":                   {hook("https:///x", true), true, "webhook: is not a URL"},
		"a secret beside":           {alarm.Config{WebhookSecretFile: "secret"}, true, "webhook_secret_file: "},
		"a header that is none":     {alarm.Config{WebhookHeader: "X: y"}, true, "webhook_header: "},
		"a header with a line more": {alarm.Config{WebhookHeader: "X\r\nY"}, true, "webhook_header: "},
	} {
		t.Run(name, func(t *testing.T) {
			var poster alarm.Poster
			if tt.linked {
				poster = nobody{}
			}
			var got []string
			tt.c.Check(poster, func(key string, err error) { got = append(got, key+": "+err.Error()) })
			said := strings.Join(got, "\n")
			if (said == "") != (tt.want == "") || !strings.HasPrefix(said, tt.want) || len(got) > 1 {
				t.Errorf("%q, want %q", said, tt.want)
			}
		})
	}
}
