package systemd

// Message is message, for its tests: what a datagram says is its contract.
var Message = message
