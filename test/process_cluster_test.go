//go:build linux || darwin

package test_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// Two machines, each with its own directories, compete for one name. A stop hands over at
// once. If the leader is killed, or stopped by SIGSTOP beyond its deadline, the other one
// follows. When the stopped leader continues, it is too late for it to do anything.
func TestOneInstanceOfACluster(t *testing.T) {
	t.Parallel()
	how := plan{Cluster: t.TempDir()}
	machine := func() *place {
		p := newPlace(t)
		p.configure(t, "[service]", "stop_timeout = '1s'", "[service.log]", "level = 'debug'", "[service.cluster]", "ttl = '10s'")
		return p
	}
	one, two := machine(), machine()

	a := one.start(t, how)
	a.out.await(t, "leads 1")
	a.log.await(t, "ready: after=")
	b := two.start(t, how)
	b.log.await(t, "standby: feedd@")
	two.command(t, how, "status").want(t, 0, "is standby", "standby of \"feedd\"")
	one.command(t, how, "status").want(t, 0, "is ready", "leader of \"feedd\"", "term 1")
	two.command(t, how, "reload").want(t, 0)

	one.command(t, how, "stop").want(t, 0)
	a.end(t).want(t, 0, "hand over")
	b.out.await(t, "leads 2")

	a = one.start(t, how)
	a.log.await(t, "standby: feedd@")
	wait.Pause(t, b.pid)
	a.out.await(t, "leads 3")
	must(t, syscall.Kill(b.pid, syscall.SIGCONT))
	end := b.end(t)
	end.want(t, 1, "forced to exit: the term ended")
	if b.out.has("stop") {
		t.Errorf("beyond its deadline it did its ordered stop:\n%s", end.out)
	}

	b = two.start(t, how)
	b.log.await(t, "standby: feedd@")
	must(t, syscall.Kill(a.pid, syscall.SIGKILL))
	b.out.await(t, "leads 4")
	two.command(t, how, "stop").want(t, 0)
	b.end(t).want(t, 0)
}

// If the engine cannot be reached at the start, the service waits for it and does not
// crash. A stop works meanwhile.
func TestAClusterThatCannotBeReached(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.configure(t, "[service]", "stop_timeout = '1s'")
	how := plan{Cluster: filepath.Join(t.TempDir(), "nothing")}
	a := p.start(t, how)
	a.log.await(t, "standby: the engine does not answer")
	p.command(t, how, "status").want(t, 0, "is standby", "the engine does not answer")
	p.command(t, how, "stop").want(t, 0)
	a.end(t).want(t, 0)
}

// command runs a command of the program with a cluster.
func (p *place) command(t *testing.T, how plan, args ...string) result {
	t.Helper()
	return p.launch(t, "service", how, append(args, p.where()...)...).end(t)
}
