package singleton

// ParseRecord is fuzzed from outside.
var ParseRecord = parseRecord
