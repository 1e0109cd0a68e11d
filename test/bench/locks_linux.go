package main
func measureLocks(o options, p place) ([]*table, error) { return nil, nil }
func measureGate(o options) []*table { return nil }
func isHolder() bool { return false }
func hold() {}
