package wrap

// A Keyboard is that of one service.
type Keyboard struct{ k keyboard }

// Press has one more ctrl-C of ours on its way.
func (k *Keyboard) Press() { k.k.presses.Add(1) }

// Hear is what the system calls for a key.
func (k *Keyboard) Hear(key uint32) (ours bool) { return k.k.hear(key) == 1 }
