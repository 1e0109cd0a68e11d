package hangup

// Grace limits how long SIGHUP is held if main does not call Early.
const Grace = grace
