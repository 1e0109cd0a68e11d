package supervise

// limitOfProcesses is no valid resource: these systems have no such limit, and refuse one that
// is set.
const limitOfProcesses = -1
