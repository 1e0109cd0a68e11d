package singleton

// ParseRecord is exported for fuzzing.
var ParseRecord = parseRecord
