package platform

import (
	"cmp"
	"io/fs"
	"time"
)

// Defaults returns the default values of all settings. A setting that is zero here has no
// default: it is empty, or left to the manager. Configurations, definitions, documentation and
// error messages all use this table.
func Defaults() Unit { return *defaults() }

// defaults is Defaults without a copy, because a Unit is large.
func defaults() *Unit {
	umask := fs.FileMode(0o027)
	return &Unit{
		Umask: &umask, StartType: StartAuto,
		StartTimeout: time.Minute, StopTimeout: 30 * time.Second, ReloadTimeout: 30 * time.Second,
		Restart: Restart{
			Policy: RestartOnFailure, Delay: 2 * time.Second, Max: 10, Window: 5 * time.Minute,
			Backoff: 1, MaxDelay: 5 * time.Minute, ResetAfter: 5 * time.Minute,
		},
		Launchd: Launchd{ProcessType: "Standard"},
		Windows: Windows{Start: WindowsDelayed, GiveUp: WindowsNothing},
	}
}

// WithDefaults returns u with zero values replaced by those of [Defaults]. An empty
// DisplayName becomes the name, and an empty Description the display name.
func (u Unit) WithDefaults() Unit {
	d := defaults()
	u.DisplayName = cmp.Or(u.DisplayName, u.Name)
	u.Description = cmp.Or(u.Description, u.DisplayName)
	u.Umask = cmp.Or(u.Umask, d.Umask)
	u.StartType = cmp.Or(u.StartType, d.StartType)
	u.StartTimeout = cmp.Or(u.StartTimeout, d.StartTimeout)
	u.StopTimeout = cmp.Or(u.StopTimeout, d.StopTimeout)
	u.ReloadTimeout = cmp.Or(u.ReloadTimeout, d.ReloadTimeout)
	u.Restart = u.Restart.WithDefaults()
	u.Launchd.ProcessType = cmp.Or(u.Launchd.ProcessType, d.Launchd.ProcessType)
	u.Windows.Start = cmp.Or(u.Windows.Start, d.Windows.Start)
	u.Windows.GiveUp = cmp.Or(u.Windows.GiveUp, d.Windows.GiveUp)
	return u
}

// WithDefaults returns r with zero values replaced by those of [Defaults].
func (r Restart) WithDefaults() Restart {
	d := &defaults().Restart
	return Restart{
		Policy: cmp.Or(r.Policy, d.Policy), Delay: cmp.Or(r.Delay, d.Delay), Max: cmp.Or(r.Max, d.Max), Window: cmp.Or(r.Window, d.Window),
		Backoff: cmp.Or(r.Backoff, d.Backoff), MaxDelay: cmp.Or(r.MaxDelay, d.MaxDelay), Jitter: r.Jitter, ResetAfter: cmp.Or(r.ResetAfter, d.ResetAfter),
		Success: r.Success,
	}
}
