package bed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

const supported = true

// usable returns why this process cannot boot beds, or nil.
func usable() error {
	if os.Geteuid() != 0 {
		return errors.New("beds need root: run the tests as root")
	}
	for _, program := range []string{"systemd-nspawn", "nsenter", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("beds need %s: run `sudo make beds` (scripts/beds.sh build): %w", program, err)
		}
	}
	return nil
}

// A machine is a bed's disk, and its life while it is running.
//
// Everything is in one directory, cache/run/NAME. Its lock shows that the process that made it
// is alive.
type machine struct {
	kind    Kind
	name    string
	cache   string // directory of the roots
	dir     string
	cgroup  string
	console *console
	locks   []*os.File // shared on the cached root, exclusive on dir

	mu     sync.Mutex
	life   *life // of the last boot; nil before the first
	closed bool
}

// newMachine makes the disk of a new machine.
func newMachine(ctx context.Context, kind Kind) (*machine, error) {
	if !kind.Built() {
		return nil, ErrNotBuilt
	}
	mount, err := cgroupMount()
	if err != nil {
		return nil, err
	}
	m := &machine{kind: kind, name: "bed-" + randomHex(4), console: new(console)}
	m.cache = filepath.Dir(filepath.Dir(kind.Root))
	m.dir = filepath.Join(m.cache, "run", m.name)
	m.cgroup = filepath.Join(mount, cgroupPrefix+m.name)

	// scripts/beds.sh takes this lock exclusively to change the root.
	rootLock, err := lockShared(ctx, filepath.Join(m.cache, kind.Name+".lock"))
	if err != nil {
		return nil, err
	}
	m.locks = append(m.locks, rootLock)
	dirLock, err := claim(m.dir, mount)
	if err != nil {
		return nil, errors.Join(err, rootLock.Close())
	}
	m.locks = append(m.locks, dirLock)
	if err := m.makeDisk(); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// makeDisk makes the layer for the bed's writes, with the files that identify this machine.
func (m *machine) makeDisk() error {
	for _, dir := range []string{"work", "disk", "upper/etc"} {
		if err := os.MkdirAll(filepath.Join(m.dir, dir), 0o755); err != nil {
			return err
		}
	}
	// The machine id exists before the first boot, so that systemd does not treat that as a first boot, with presets and
	// the like, and finds its journal again after a reboot.
	for file, text := range map[string]string{
		"hostname":   m.name + "\n",
		"hosts":      "127.0.0.1\tlocalhost " + m.name + "\n::1\tlocalhost ip6-localhost\n",
		"machine-id": randomHex(16) + "\n",
	} {
		if m.kind.Manager != "systemd" && file == "machine-id" {
			continue
		}
		if err := os.WriteFile(filepath.Join(m.dir, "upper/etc", file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := m.fewGenerators(); err != nil {
		return err
	}
	return os.Chmod(filepath.Join(m.dir, "upper"), 0o755) // the bed's root directory, independent of the umask
}

// fewGenerators masks the programs that make units of terminals, file systems, the kernel's command
// line and the like, none of which a bed has. systemd runs all of them, a dozen, each time it
// reads its units. The one that is left makes units of init scripts.
func (m *machine) fewGenerators() error {
	entries, err := os.ReadDir(filepath.Join(m.kind.Root, "usr/lib/systemd/system-generators"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	dir := filepath.Join(m.dir, "upper/etc/systemd/system-generators")
	err = errors.Join(err, os.MkdirAll(dir, 0o755))
	for _, entry := range entries {
		if entry.Name() != "systemd-sysv-generator" {
			err = errors.Join(err, os.Symlink("/dev/null", filepath.Join(dir, entry.Name())))
		}
	}
	return err
}

// close ends the life and removes the disk. It may be called on a machine that is only partly
// made.
func (m *machine) close() error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	life := m.life
	m.mu.Unlock()
	err := errors.Join(m.cut(), removeCgroup(m.cgroup), os.RemoveAll(m.dir))
	if life != nil {
		err = errors.Join(err, life.exec.Close())
	}
	for _, lock := range m.locks { // last, because until now the directory belongs to us
		err = errors.Join(err, lock.Close())
	}
	return err
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// current returns the life that is running, or nil.
func (m *machine) current() *life {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life == nil || m.life.ended() {
		return nil
	}
	return m.life
}

func (m *machine) leader() int {
	if life := m.current(); life != nil {
		return life.leader
	}
	return 0
}

func (m *machine) off() <-chan struct{} {
	if life := m.current(); life != nil {
		return life.done
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}

func (m *machine) cut() error {
	life := m.current()
	if life == nil {
		return nil
	}
	return life.kill()
}
