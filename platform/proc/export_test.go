package proc

import "time"

var (
	ParseArguments = parseArguments
	ParseStat      = parseStat
)

type Life = life

const (
	Zombie   = zombie
	Released = released
)

var (
	ParseKinfo  = parseKinfo
	SinceBooted = sinceBooted
)

func Kinfo(pid, parent int, uid uint32, start time.Duration, zombie bool) kinfo {
	return kinfo{pid, parent, uid, start, zombie}
}

// Life returns what is known about whether the process lives.
func (s Stat) Life() Life { return s.life }
