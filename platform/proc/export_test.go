package proc

var (
	ParseStat      = parseStat
	ParseArguments = parseArguments
)

type Life = life

const (
	Zombie   = zombie
	Released = released
)
