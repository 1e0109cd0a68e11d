package wrap

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// Validate returns what is wrong with the options, as one [service.FieldError] for each key.
func (o *Options) Validate() error {
	c := &checks{}
	c.argv("command", o.Command)
	if len(o.Command) == 0 {
		c.bad("command", errors.New(`is missing: set command = ["/usr/bin/program", "argument"]`))
	}
	c.path("directory", o.Directory)
	for name, value := range o.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			c.bad("env", fmt.Errorf("%q is not a valid variable", name))
		}
	}
	o.validateProbes(c)
	o.validateStop(c)
	o.validateOutput(c)
	for key, hooks := range map[string][][]string{"before_start": o.Hooks.BeforeStart, "after_ready": o.Hooks.AfterReady, "after_stop": o.Hooks.AfterStop} {
		for _, argv := range hooks {
			c.argv("hooks."+key, argv)
			if len(argv) == 0 {
				c.bad("hooks."+key, errors.New("has an empty command"))
			}
		}
	}
	c.oneOf("restart.policy", o.Restart.Policy, "manager", "on-failure", "always")
	if r := o.Restart; r.Jitter < 0 || r.Jitter > 1 {
		c.bad("restart.jitter", fmt.Errorf("%v is not between 0 and 1", r.Jitter))
	} else if r.Max < platform.NoLimit {
		c.bad("restart.max", fmt.Errorf("%d is less than -1, which stands for no limit", r.Max))
	}
	for _, from := range slices.Sorted(maps.Keys(o.Exit)) {
		if n, err := strconv.Atoi(from); err == nil && n >= 0 && n <= 255 {
			continue
		} else if _, err := signalNamed(from); err != nil {
			c.bad("exit", fmt.Errorf("%q is neither an exit code nor a signal", from))
		}
	}
	for from, to := range o.Exit {
		if to < 0 || to > 255 {
			c.bad("exit", fmt.Errorf("%d, of %q, is not an exit code", to, from))
		}
	}
	for key, d := range map[string]time.Duration{
		"ready.timeout": o.Ready.Timeout, "health.timeout": o.Health.Timeout, "health.interval": o.Health.Interval, "stop.grace": o.Stop.Grace,
		"reload.timeout": o.Reload.Timeout, "hooks.timeout": o.Hooks.Timeout, "restart.delay": o.Restart.Delay, "restart.max_delay": o.Restart.MaxDelay,
	} {
		if d <= 0 {
			c.bad(key, fmt.Errorf("%v is too short: use more than 0", d))
		}
	}
	for key, d := range map[string]time.Duration{"ready.delay": o.Ready.Delay, "health.watchdog": o.Health.Watchdog, "restart.reset_after": o.Restart.ResetAfter} {
		if d < 0 {
			c.bad(key, fmt.Errorf("%v is negative", d))
		}
	}
	return errors.Join(c.errs...)
}

func (o *Options) validateProbes(c *checks) {
	if o.Probes != "" {
		_, port, err := net.SplitHostPort(o.Probes)
		if n, e := strconv.ParseUint(port, 10, 16); err == nil && (e != nil || n == 0) { // the system would choose a port
			err = fmt.Errorf("%q: the port has to be a number from 1 to 65535", o.Probes)
		}
		c.bad("probes", err)
	}
	for key, p := range map[string]probe{"ready": o.Ready.probe(), "health": o.Health.probe()} {
		if p.TCP != "" {
			_, _, err := net.SplitHostPort(p.TCP)
			c.bad(key+".tcp", err)
		}
		c.path(key+".unix", p.Unix)
		c.path(key+".file", p.File)
		c.path(key+".mark", map[string]string{"ready": o.Ready.Mark, "health": o.Health.Mark}[key])
		c.url(key+".http", p.HTTP)
		c.argv(key+".command", p.Command)
		if p.Status != 0 && (p.Status < 100 || p.Status > 599) {
			c.bad(key+".status", fmt.Errorf("%d is not an HTTP status", p.Status))
		}
		if p.Status != 0 && p.HTTP == "" {
			c.bad(key+".status", errors.New("has no effect without http"))
		}
	}
	if _, err := regexp.Compile(o.Ready.Log); err != nil {
		c.bad("ready.log", err)
	}
	if o.Ready.Notify && !canNotify {
		c.bad("ready.notify", errors.New("this system has no sd_notify"))
	}
	if o.Health.Watchdog > 0 && !o.Ready.Notify {
		c.bad("health.watchdog", errors.New("needs ready.notify"))
	}
	if o.Health.Threshold < 1 {
		c.bad("health.threshold", fmt.Errorf("%d is less than 1", o.Health.Threshold))
	}
	if o.Reload.Notify && !o.Ready.Notify {
		c.bad("reload.notify", errors.New("needs ready.notify"))
	}
}

func (o *Options) validateStop(c *checks) {
	c.signal("stop.signal", o.Stop.Signal)
	c.argv("stop.command", o.Stop.Command)
	c.url("stop.http", o.Stop.HTTP)
	if len(o.Stop.Command) > 0 && o.Stop.HTTP != "" {
		c.bad("stop.http", errors.New("set only one of command and http"))
	}
	c.oneOf("stop.keys", o.Stop.Keys, "", "ctrl-break", "ctrl-c", "close", "none")
	r := o.Reload
	c.argv("reload.check", r.Check)
	c.signal("reload.signal", r.Signal)
	c.argv("reload.command", r.Command)
	c.url("reload.http", r.HTTP)
	ways := 0
	for _, set := range []bool{r.Signal != "", len(r.Command) > 0, r.HTTP != ""} {
		if set {
			ways++
		}
	}
	switch {
	case ways > 1:
		c.bad("reload", errors.New("set only one of signal, command and http"))
	case ways == 0 && (len(r.Check) > 0 || r.Notify):
		c.bad("reload", errors.New("it needs one of signal, command and http"))
	}
}

func (o *Options) validateOutput(c *checks) {
	c.oneOf("output.stdout", o.Output.Stdout, append(levelNames(), "off")...)
	c.oneOf("output.stderr", o.Output.Stderr, append(levelNames(), "off")...)
	c.oneOf("output.full", o.Output.Full, "wait", "drop")
	if re, err := regexp.Compile(o.Output.Level); err != nil {
		c.bad("output.level", err)
	} else if o.Output.Level != "" && re.NumSubexp() < 1 {
		c.bad("output.level", errors.New("has no group: put the level in parentheses"))
	}
	const least, most = 256, 1 << 20
	if n := o.Output.MaxLine; n < least || n > most {
		c.bad("output.max_line", fmt.Errorf("%d is not between %d and %d", n, least, most))
	}
}

// checks collects errors.
type checks struct{ errs []error }

func (c *checks) bad(key string, err error) {
	if err != nil {
		c.errs = append(c.errs, &service.FieldError{Key: key, Err: err})
	}
}

func (c *checks) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.bad(key, fmt.Errorf("%q is not one of %s", value, strings.Join(slices.DeleteFunc(allowed, func(s string) bool { return s == "" }), ", ")))
	}
}

func (c *checks) argv(key string, argv []string) {
	for i, arg := range argv {
		if i == 0 && arg == "" || strings.ContainsRune(arg, 0) {
			c.bad(key, fmt.Errorf("%q cannot be executed", argv))
		}
	}
}

func (c *checks) path(key, path string) {
	if path != "" && !platform.AbsoluteAnywhere(path) {
		c.bad(key, fmt.Errorf("%q is not an absolute path", path))
	}
}

func (c *checks) url(key, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		err = fmt.Errorf("%q is not an HTTP URL", text)
	}
	c.bad(key, err)
}

func (c *checks) signal(key, name string) {
	if name != "" {
		_, err := signalNamed(name)
		c.bad(key, err)
	}
}
