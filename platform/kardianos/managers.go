package kardianos

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	holdfast "github.com/holdfast-dev/holdfast/service"
)

// lines returns the lines of all elements of a list.
func lines(all []string) (each []string) {
	for _, element := range all {
		for line := range strings.Lines(element) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
				each = append(each, line)
			}
		}
	}
	return each
}

// byHand lists the values of Restart= in systemd that are no policies of holdfast.
var byHand = []string{"on-abort", "on-watchdog"}

// policies maps the values of the option Restart to holdfast's policies.
var policies = map[string]platform.RestartPolicy{
	"always": platform.RestartAlways, "on-failure": platform.RestartOnFailure, "on-success": platform.RestartOnSuccess,
	"on-abnormal": platform.RestartOnAbnormal, "no": platform.RestartNever, "": platform.RestartNever,
}

func (t *translation) systemd() {
	add := func(key, value string) { t.Systemd.Extra = append(t.Systemd.Extra, key+"="+value) }
	for _, line := range lines(t.of.config.Dependencies) {
		if strings.Contains(line, "=") {
			t.Systemd.UnitExtra = append(t.Systemd.UnitExtra, line)
			continue
		}
		t.note("dependency %q has no effect: it is not a line of a unit, such as \"After=network.target\"", line)
	}
	t.Restart = holdfast.Restart{Policy: platform.RestartAlways, Delay: 2 * time.Minute, Max: platform.NoLimit}
	if t.said("Restart") {
		policy := t.text("Restart")
		known, ok := policies[policy]
		switch {
		case ok:
			t.Restart.Policy = known
		case slices.Contains(byHand, policy):
			add("Restart", policy)
		default:
			t.refuse("option Restart is %q, which is not one of always, on-failure, on-success, on-abnormal, no, %s", policy, strings.Join(byHand, ", "))
		}
	}
	if !t.flag(singleton) { // with the library, no exit code prevents a restart
		add("RestartPreventExitStatus", "")
	}
	if codes := t.text("SuccessExitStatus"); codes != "" {
		add("SuccessExitStatus", codes)
	}
	if signal := t.text("ReloadSignal"); signal != "" {
		if strings.ContainsFunc(signal, notOfASignal) {
			t.refuse("option ReloadSignal is %q, which is not a signal", signal)
		} else {
			add("ExecReload", "/bin/kill -"+signal+" $MAINPID")
		}
	}
	if file := t.text("PIDFile"); file != "" {
		add("PIDFile", specifierless(file))
	}
	if t.flag("LogOutput") {
		dir := specifierless(t.logs())
		add("StandardOutput", "append:"+dir+"/"+t.of.config.Name+".out")
		add("StandardError", "append:"+dir+"/"+t.of.config.Name+".err")
	}
	add("EnvironmentFile", "-/etc/sysconfig/"+t.of.config.Name)
	t.RootDirectory = t.of.config.ChRoot
}

func notOfASignal(r rune) bool {
	return !(r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+')
}

// specifierless escapes a value so that systemd finds no specifiers in it.
func specifierless(value string) string { return strings.ReplaceAll(value, "%", "%%") }

func (t *translation) logs() string {
	if dir := t.text("LogDirectory"); dir != "" {
		return strings.TrimSuffix(dir, "/")
	}
	return "/var/log"
}

// scripted translates what SysV and OpenRC have in common.
func (t *translation) scripted() {
	t.none("PIDFile")
	t.unfit("ChRoot", t.of.config.ChRoot != "")
	t.unfit("UserService", t.flag("UserService"))
	name := t.of.config.Name
	switch signal := t.text("ReloadSignal"); {
	case strings.ContainsFunc(signal, notOfASignal):
		t.refuse("option ReloadSignal is %q, which is not a signal", signal)
	case signal != "": // the script has verified the process
		t.Guest.Reload = []string{"/bin/sh", "-c", `kill -` + signal + ` "$(cat /run/` + name + "/" + name + `.pid)"`}
	default:
		t.Guest.Reload = []string{"/bin/sh", "-c", "echo " + name + ": applies its configuration by a restart >&2; exit 3"}
	}
}

func (t *translation) sysv() {
	t.scripted()
	t.Guest.Sourced = "/etc/sysconfig/" + t.of.config.Name
	t.Restart = holdfast.Restart{Policy: platform.RestartNever}
	if t.said("Restart") {
		t.Restart = t.policy()
		t.Supervise = t.Restart.Policy != platform.RestartNever
	}
	if len(t.of.config.Dependencies) > 0 {
		t.note("dependencies %q have no effect on %s", t.of.config.Dependencies, t.of.system.String())
	}
}

func (t *translation) openrc() {
	t.scripted()
	t.Restart = t.policy()
	t.Restart.Delay, t.Restart.Max, t.Restart.Window = time.Second, 10, 5*time.Minute
	for _, line := range lines(t.of.config.Dependencies) { // lines for depend()
		words := strings.Fields(line)
		switch words[0] {
		case "need":
			t.Requires = append(t.Requires, words[1:]...)
		case "use", "want":
			t.Wants = append(t.Wants, words[1:]...)
		case "after":
			t.After = append(t.After, words[1:]...)
		default:
			t.note("dependency %q has no effect: it is not one of need, use, want, after", line)
		}
	}
}

// policy translates the option Restart for a manager without such policies of its own.
func (t *translation) policy() holdfast.Restart {
	r := holdfast.Restart{Policy: platform.RestartAlways, Delay: 2 * time.Minute, Max: platform.NoLimit}
	if t.said("Restart") {
		known, ok := policies[t.text("Restart")]
		if !ok {
			t.refuse("option Restart is %q: on %s it is one of always, on-failure, on-success, on-abnormal, no", t.text("Restart"), t.of.system.String())
		}
		r.Policy = known
	}
	t.codes(&r)
	return r
}

// codes translates the exit codes in the option SuccessExitStatus.
func (t *translation) codes(r *holdfast.Restart) {
	for _, word := range strings.Fields(t.text("SuccessExitStatus")) {
		if code, err := strconv.Atoi(word); err == nil && code > 0 {
			r.Success = append(r.Success, code)
		} else if err != nil {
			t.note("%s in option SuccessExitStatus has no effect on %s: it is not an exit code", word, t.of.system.String())
		}
	}
}

func (t *translation) launchd() {
	t.none("PIDFile", "ReloadSignal", "Restart", hardening) // the library has KeepAlive instead of Restart there
	t.Hardening.Capabilities = nil
	t.Launchd.SessionCreate = t.flag("SessionCreate")
	t.Restart = holdfast.Restart{Policy: platform.RestartNever}
	if t.or("KeepAlive", true) {
		t.Restart = holdfast.Restart{Policy: platform.RestartAlways, Delay: 10 * time.Second, Max: platform.NoLimit}
	} else if !t.flag("RunAtLoad") {
		t.unfit("a service that is loaded and does not run (KeepAlive and RunAtLoad are false)", true)
	}
	t.codes(&t.Restart)
	t.unfit("ChRoot", t.of.config.ChRoot != "")
	if len(t.of.config.Dependencies) > 0 {
		t.note("dependencies %q have no effect on %s", t.of.config.Dependencies, t.of.system.String())
	}
}

func (t *translation) scm() {
	t.Windows.Dependencies = slices.Clone(t.of.config.Dependencies)
	t.Windows.Start = platform.WindowsAuto
	if t.flag("DelayedAutoStart") {
		t.Windows.Start = platform.WindowsDelayed
	}
	switch kind := t.text("StartType"); kind {
	case "", "automatic":
	case "manual":
		t.Windows.Start = platform.WindowsManual
	case "disabled":
		t.Windows.Start = platform.WindowsDisabled
	default:
		t.unfit("StartType "+kind, true)
	}
	t.Restart = holdfast.Restart{Policy: platform.RestartNever}
	switch action := t.text("OnFailure"); action {
	case "", "noaction":
	case "reboot": // holdfast reboots only as a last resort
		t.note("option OnFailure is reboot: the first failure within a day is a restart, the next one reboots the machine")
		t.Restart = holdfast.Restart{
			Policy: platform.RestartOnFailure, Delay: t.duration("OnFailureDelayDuration", time.Second), Max: 1, Window: 24 * time.Hour,
		}
		t.Windows.GiveUp = platform.WindowsReboot
	default: // as in the library
		t.Restart = holdfast.Restart{
			Policy: platform.RestartOnFailure, Delay: t.duration("OnFailureDelayDuration", time.Second), Max: platform.NoLimit,
			Window: time.Duration(t.number("OnFailureResetPeriod", 10)) * time.Second,
		}
	}
	t.codes(&t.Restart)
	t.Windows.PasswordFile, t.Windows.Password = t.text(passwordFile), platform.NewSecret(t.text("Password"))
	if t.Windows.Password.Known() && (t.of.config.UserName == "" || t.Windows.PasswordFile != "") {
		t.note("option Password has no effect: UserName is missing, or option PasswordFile holds the password")
		t.Windows.Password = platform.Secret{}
	}
	t.none("LimitNOFILE", "UserService", "ReloadSignal", "PIDFile", "Restart", "LogOutput", "LogDirectory", "RunWait", hardening)
	t.Limits.NoFile = 0
	if t.flag("Interactive") {
		t.note("option Interactive has no effect: no service has had a desktop since Windows Vista")
	}
	if t.of.config.ChRoot != "" || t.of.config.WorkingDirectory != "" {
		t.note("ChRoot and WorkingDirectory have no effect on %s", t.of.system.String())
	}
	t.WorkingDirectory, t.Umask, t.Hardening.Capabilities = "", "", nil
}
