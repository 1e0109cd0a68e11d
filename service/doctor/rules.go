package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A rule finds one kind of fault.
type rule struct {
	id, check string
	find      func(Facts) []Finding
	stops     bool     // the fault keeps the service from running: the findings in down follow from it
	explains  []string // ids of further findings that follow from it
}

// down has the findings that follow from anything that keeps the service from running.
var down = [...]string{"failed", "gave-up", "restart-loop", "not-running", "last-run-unclean", "health-failing", "pid-file-left"}

// makes reports whether the finding with that id follows from the rule.
func (r rule) makes(id string) bool {
	return slices.Contains(r.explains, id) || r.stops && slices.Contains(down[:], id)
}

// rules has all rules. A rule comes before the rules whose findings it can explain.
var rules = [...]rule{
	{"disk-full", "machine", diskFull, true, []string{"state-file-missing", "log-unreachable", "reload-failed", "upgrade-interrupted", "install-interrupted", "journal-refused", "pid-file-wrong"}},
	{"inodes-full", "machine", inodesFull, true, []string{"state-file-missing", "log-unreachable", "reload-failed", "upgrade-interrupted", "install-interrupted", "journal-refused", "pid-file-wrong"}},
	{"read-only", "machine", readOnly, true, []string{"directory-mode", "state-file-missing", "log-unreachable", "journal-refused"}},
	{"clock-behind", "machine", clockBehind, false, nil},
	{"no-manager", "manager", noManager, false, nil},
	{"manager-silent", "manager", managerSilent, false, nil},
	{"config-bad", "configuration", configBad, true, []string{"reload-failed", "restart-due", "reload-due", "definition-outdated"}},
	{"account-missing", "configuration", accountMissing, true, []string{"reload-failed", "definition-outdated", "directory-owner"}},
	{"directory-needed", "configuration", directoryNeeded, true, []string{"reload-failed", "definition-outdated", "definition-unfit"}},
	{"config-closed", "configuration", configClosed, true, []string{"reload-failed"}},
	{"program-gone", "program", programGone, true, nil},
	{"program-closed", "program", programClosed, true, nil},
	{"masked", "manager", masked, true, []string{"definition-foreign", "not-installed", "disabled", "definition-outdated"}},
	{"not-startable", "manager", notStartable, true, []string{"disabled", "definition-outdated"}},
	{"socket-failed", "manager", socketFailed, true, []string{"failed", "gave-up"}},
	{"socket-disabled", "manager", socketDisabled, false, nil},
	{"definition-foreign", "definition", definitionForeign, true, []string{"not-installed", "started-by-hand", "not-running"}},
	{"definition-broken", "definition", definitionBroken, true, []string{"definition-outdated", "definition-overridden", "disabled"}},
	{"install-interrupted", "definition", installInterrupted, true, []string{"definition-outdated", "disabled", "not-installed"}},
	{"record-unreadable", "definition", recordUnreadable, false, []string{"definition-outdated"}},
	{"directory-missing", "directories", directoryMissing, true, []string{"state-file-missing", "pid-file-wrong", "log-unreachable", "journal-refused"}},
	{"directory-owner", "directories", directoryOwner, true, []string{"directory-mode", "state-file-missing", "pid-file-wrong", "log-unreachable", "journal-refused"}},
	{"directory-mode", "directories", directoryMode, true, []string{"state-file-missing", "pid-file-wrong", "log-unreachable", "journal-refused"}},
	{"port-privileged", "log", portPrivileged, true, []string{"hardening-denial"}},
	{"port-in-use", "log", portInUse, true, nil},
	{"hardening-denial", "log", hardeningDenial, true, nil},
	{"lock-unnamed", "process", lockUnnamed, false, []string{"state-file-missing", "failed", "restart-loop", "gave-up"}},
	{"started-by-hand", "process", startedByHand, false, []string{"failed", "gave-up", "restart-loop", "manager-disagrees", "supervisor-gone"}},
	{"other-process", "process", otherProcess, false, nil},
	{"not-answering", "process", notAnswering, false, []string{"pid-file-wrong", "state-file-missing"}},
	{"socket-closed", "process", socketClosed, false, nil},
	{"stop-overdue", "process", stopOverdue, false, nil},
	{"memory-nearly-used", "machine", memoryNearlyUsed, false, nil},
	{"files-nearly-used", "machine", filesNearlyUsed, false, []string{"health-failing"}},
	{"tasks-nearly-used", "machine", tasksNearlyUsed, false, []string{"health-failing"}},
	{"failed", "run", failed, false, []string{"pid-file-left"}},
	{"gave-up", "run", gaveUp, false, []string{"pid-file-left"}},
	{"restart-loop", "run", restartLoop, false, []string{"pid-file-left", "last-run-unclean"}},
	{"health-failing", "run", healthFailing, false, nil},
	{"upgrade-interrupted", "upgrade", upgradeInterrupted, false, []string{"program-newer"}},
	{"journal-refused", "work", journalRefused, false, nil},
	{"log-unreachable", "log", logUnreachable, false, nil},
	{"reload-failed", "run", reloadFailed, false, []string{"reload-due"}},
	{"upgrade-rolled-back", "upgrade", upgradeRolledBack, false, nil},
	{"kill-timeout-short", "definition", killTimeoutShort, false, []string{"definition-overridden", "definition-outdated"}},
	{"definition-unread", "definition", definitionUnread, false, nil},
	{"definition-unfit", "definition", definitionUnfit, false, []string{"definition-outdated"}},
	{"definition-outdated", "definition", definitionOutdated, false, nil},
	{"disabled", "manager", disabled, false, nil},
	{"misplaced", "manager", misplaced, false, nil},
	{"manager-disagrees", "manager", managerDisagrees, false, nil},
	{"supervisor-gone", "process", supervisorGone, false, nil},
	{"pid-file-wrong", "process", pidFileWrong, false, nil},
	{"state-file-missing", "process", stateFileMissing, false, nil},
	{"other-manager", "definition", otherManager, false, nil},
	{"initd-leftover", "definition", initdLeftover, false, nil},
	{"config-writable", "configuration", configWritable, false, nil},
	{"program-writable", "program", programWritable, false, nil},
	{"directory-open", "directories", directoryOpen, false, nil},
	{"program-newer", "program", programNewer, false, []string{"restart-due"}},
	{"restart-due", "definition", restartDue, false, nil},
	{"reload-due", "definition", reloadDue, false, nil},
	{"disk-low", "machine", diskLow, false, nil},
	{"inodes-low", "machine", inodesLow, false, nil},
	{"clock-jumped", "machine", clockJumped, false, nil},
	{"work-set-aside", "work", workSetAside, false, []string{"last-run-unclean"}},
	{"work-interrupted", "work", workInterrupted, false, nil},
	{"journal-damaged", "work", journalDamaged, false, nil},
	{"journal-aside", "work", journalAside, false, nil},
	{"alarm-undelivered", "alarms", alarmUndelivered, false, nil},
	{"last-run-unreadable", "run", lastRunUnreadable, false, nil},
	{"last-run-unclean", "run", lastRunUnclean, false, nil},
	{"definition-overridden", "definition", definitionOverridden, false, nil},
	{"config-warning", "configuration", configWarning, false, nil},
	{"upgrade-on-trial", "upgrade", upgradeOnTrial, false, nil},
	{"login-only", "manager", loginOnly, false, nil},
	{"manager-lesser", "manager", managerLesser, false, nil},
	{"other-scope", "definition", otherScope, false, nil},
	{"not-installed", "definition", notInstalled, false, nil},
	{"pid-file-left", "process", pidFileLeft, false, nil},
	{"not-running", "run", notRunning, false, nil},
	{"unseen", "sight", unseen, false, nil},
}

// found returns a finding. It formats the cause like fmt.Sprintf.
func found(s Severity, cause string, args ...any) Finding {
	return Finding{Severity: s, Cause: fmt.Sprintf(cause, args...)}
}

func (f Finding) fix(command string) Finding      { f.Fix = command; return f }
func (f Finding) see(command string) Finding      { f.See = command; return f }
func (f Finding) details(lines ...string) Finding { f.Details = append(f.Details, lines...); return f }
func only(f Finding) []Finding                    { return []Finding{f} }
func when(t time.Time) string                     { return t.Local().Format(time.DateTime) }

// line returns the command line of ours for a verb. It is empty if the verb needs a manager
// and there is none.
func (f Facts) line(verb string) string {
	name, _, _ := strings.Cut(verb, " ")
	if f.Manager.Name == "" && slices.Contains([]string{"start", "restart", "install"}, name) {
		return ""
	}
	return f.Command.Line(verb)
}
