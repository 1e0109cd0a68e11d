package proc

import "time"

var (
	ParseStat      = parseStat
	ParseArguments = parseArguments
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
