package proc

var ParseStat = parseStat

type Life = life

const (
	Zombie   = zombie
	Released = released
)
