package hangup

// Grace is how long SIGHUP is held for a main that does not come.
const Grace = grace
