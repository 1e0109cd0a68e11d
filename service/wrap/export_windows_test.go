package wrap

// Hear is what the system calls for a key.
func Hear(key uint32) (ours bool) { return hear(key) == 1 }

// PressCtrlC has Hear expect one more ctrl-C of ours.
func PressCtrlC() { ourPresses.Add(1) }
