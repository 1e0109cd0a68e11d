package trial

import (
	"io"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
)

// NewRelay returns the Host of a candidate whose keeper is at the other end.
func NewRelay(name string, from io.Reader, to io.Writer) platform.Host {
	return newRelay(name, from, to)
}

// Asks adds what other processes ask.
func Asks(h platform.Host, signals <-chan os.Signal) { go h.(*relay).ask(signals) }

// Keeper keeps a candidate at the other end of two pipes.
type Keeper struct {
	Host      platform.Host
	Ended     <-chan int
	Kill      func()
	Due       func() error
	Confirmed func() bool
}

// Run is the keeper's work until the candidate has ended.
func (k Keeper) Run(from io.Reader, to io.Writer) (code int, follows error) {
	tell, said, quit := make(chan message, 64), make(chan message), make(chan struct{})
	defer close(quit)
	go speak(to, tell, quit)
	go listen(from, said, quit)
	return (&keeper{host: k.Host, tell: tell, said: said, ended: k.Ended, kill: k.Kill, due: k.Due, confirmed: k.Confirmed}).run()
}
