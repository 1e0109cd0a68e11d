package singleton

// ParseRecord is exported for fuzzing.
var ParseRecord = parseRecord

// DeadlineBy is DeadlineAt with other clocks.
var DeadlineBy = deadlineAt
