package service

// RunOn is Run on a host that the test plays.
var RunOn = run

// LogOptions and Overlap are what the name of the host decides.
var (
	LogOptions = logOptions
	Overlap    = overlap
)

// OwnDirs are the directories of a process that manager started.
func (c Config) OwnDirs(manager string) (Dirs, error) { return c.ownDirs(manager) }
