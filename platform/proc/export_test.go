package proc

// ParseStat is fuzzed from outside.
var ParseStat = parseStat
