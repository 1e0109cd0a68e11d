package alarm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// Config is the table [service.alarm]. Without a command and a web hook there are no alarms.
type Config struct {
	Command []string      `toml:"command" help:"absolute path of a program, and arguments, run without a shell; gets each alarm as JSON on standard input"`
	Timeout time.Duration `toml:"timeout" help:"limit of one delivery, by command or web hook"`
	Events  []string      `toml:"events" help:"kinds of alarms to send, see go doc ./service/alarm; default: all"`
	Every   time.Duration `toml:"every" help:"shortest time between two alarms of one kind; those in between are joined"`

	Webhook           string `toml:"webhook" help:"https URL to post alarms to, in programs that import package service/alarm/webhook"`
	WebhookHeader     string `toml:"webhook_header" help:"header that carries the secret"`
	WebhookSecretFile string `toml:"webhook_secret_file" help:"absolute path of the file with the value of that header, readable by the service's user only"`
	Insecure          bool   `toml:"insecure" help:"allow a webhook without TLS to another machine"`

	DiskFree        platform.Size `toml:"disk_free" help:"a disk with less free space than this, and less than disk_free_percent, is nearly full"`
	DiskFreePercent int           `toml:"disk_free_percent" help:"percentage of free space, and of free inodes"`
	DiskEvery       time.Duration `toml:"disk_every" help:"time between two checks of the disks"`
}

// Defaults returns the values that zero stands for.
func Defaults() Config {
	return Config{
		Timeout: 30 * time.Second, Every: 5 * time.Minute, WebhookHeader: "Authorization",
		DiskFree: 1 << 30, DiskFreePercent: 5, DiskEvery: time.Minute,
	}
}

// WithDefaults replaces zero values by the defaults.
func (c Config) WithDefaults() Config {
	d := Defaults()
	c.Timeout = cmp.Or(c.Timeout, d.Timeout)
	c.Every = cmp.Or(c.Every, d.Every)
	c.WebhookHeader = cmp.Or(c.WebhookHeader, d.WebhookHeader)
	c.DiskFree = cmp.Or(c.DiskFree, d.DiskFree)
	c.DiskFreePercent = cmp.Or(c.DiskFreePercent, d.DiskFreePercent)
	c.DiskEvery = cmp.Or(c.DiskEvery, d.DiskEvery)
	return c
}

// Enabled reports whether alarms are delivered to anybody.
func (c Config) Enabled() bool { return len(c.Command) > 0 || c.Webhook != "" }

// tells reports whether alarms of that kind are delivered.
func (c Config) tells(k Kind) bool {
	return c.Enabled() && (k == Test || len(c.Events) == 0 || slices.Contains(c.Events, string(k)))
}

// A Poster posts alarms to a web hook. Package service/alarm/webhook has an implementation.
// Its methods must be safe for concurrent use.
type Poster interface {
	// Post delivers the body, which is JSON, to c.Webhook once, before ctx ends. The error
	// must not contain secrets: neither the header, nor the URL's path and query, which may be
	// one.
	Post(ctx context.Context, c Config, body []byte) error
}

// The shortest times that are accepted.
const (
	leastTimeout = 100 * time.Millisecond
	leastEvery   = time.Millisecond
	leastDisk    = time.Second
)

// Check calls bad for each invalid value, with its key. poster is the program's Poster; nil
// means that the program has no web hooks.
func (c Config) Check(poster Poster, bad func(key string, err error)) {
	c = c.WithDefaults()
	if len(c.Command) > 0 && !platform.AbsoluteAnywhere(c.Command[0]) {
		bad("command", fmt.Errorf("%q is not an absolute path, and no shell searches for it", c.Command[0]))
	}
	for _, arg := range c.Command {
		if strings.ContainsRune(arg, 0) {
			bad("command", fmt.Errorf("%q contains a NUL, which no argument can", arg))
		}
	}
	for _, k := range c.Events {
		if !known(Kind(k)) {
			bad("events", fmt.Errorf("%q is not a kind of alarm: the kinds are %s", k, names()))
		}
	}
	for key, d := range map[string]struct{ is, least time.Duration }{
		"timeout": {c.Timeout, leastTimeout}, "every": {c.Every, leastEvery}, "disk_every": {c.DiskEvery, leastDisk},
	} {
		if d.is < d.least {
			bad(key, fmt.Errorf("%v is too short: use at least %v", d.is, d.least))
		}
	}
	if p := c.DiskFreePercent; p < 0 || p > 99 {
		bad("disk_free_percent", fmt.Errorf("%d is not between 1 and 99 (for no alarms about disks, list only the other kinds in events)", p))
	}
	if c.Webhook != "" {
		if err := c.checkWebhook(poster); err != nil {
			bad("webhook", err)
		}
	}
	if f := c.WebhookSecretFile; f != "" && !platform.AbsoluteAnywhere(f) {
		bad("webhook_secret_file", fmt.Errorf("%q is not an absolute path", f))
	}
	if !token(c.WebhookHeader) {
		bad("webhook_header", fmt.Errorf("%q cannot be the name of a header", c.WebhookHeader))
	}
}

// checkWebhook checks the URL. Its errors do not contain the URL, which may be a secret.
func (c Config) checkWebhook(poster Poster) error {
	if poster == nil {
		return errors.New("this program has no web hooks: add them with service.Config{AlarmWebhook: webhook.Sender{}}, " +
			"from package service/alarm/webhook, or use command")
	}
	u, err := url.Parse(c.Webhook)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("is not a URL like https://host/path")
	case u.User != nil:
		return errors.New("contains a name or password: put the secret into a file, and name the file in webhook_secret_file")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("its scheme is %q: it has to be https", u.Scheme)
	case !loopback(u.Hostname()) && !c.Insecure:
		return errors.New("is without TLS and leads to another machine: use https, or set insecure = true")
	}
	return nil
}

// loopback reports whether host is "localhost" or a loopback address.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// token reports whether name is valid for a header (RFC 9110, 5.6.2).
func token(name string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(marks, r)
	})
}

func names() string {
	var all []string
	for _, k := range Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}
