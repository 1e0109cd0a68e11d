package watch

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// The events of F_NOTIFY, from linux/fcntl.h.
const (
	modified = 0x02
	created  = 0x04
	deleted  = 0x08
	renamed  = 0x10
	changed  = 0x20 // owner, mode, times
)

// backend watches directories by dnotify, with one event for each call of arm.
type backend struct {
	tell    func()
	places  []*place // the parents come first, so that no replacement goes unnoticed
	signals chan os.Signal
	quit    chan struct{}
	done    sync.WaitGroup
}

func newBackend(dirs []string, tell func()) *backend {
	b := &backend{tell: tell}
	for _, dir := range dirs {
		dir = filepath.Clean(dir)
		if b.at(dir) == nil {
			b.places = append(b.places, &place{path: dir, events: modified | created | deleted | renamed | changed, fd: -1})
		}
	}
	for _, dir := range dirs {
		if up := filepath.Dir(filepath.Clean(dir)); b.at(up) == nil {
			b.places = slices.Insert(b.places, 0, &place{path: up, events: deleted | renamed, parent: true, fd: -1})
		}
	}
	return b
}

func (b *backend) at(path string) *place {
	if i := slices.IndexFunc(b.places, func(p *place) bool { return p.path == path }); i >= 0 {
		return b.places[i]
	}
	return nil
}

func (b *backend) arm() error {
	b.listen()
	var errs []error
	for _, p := range b.places {
		if err := p.arm(); err != nil && !p.parent {
			errs = append(errs, fmt.Errorf("watch %s: %w", p.path, err))
		}
	}
	return errors.Join(errs...)
}

// listen must be called before the first F_NOTIFY.
func (b *backend) listen() {
	if b.signals != nil {
		return
	}
	b.signals, b.quit = make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(b.signals, unix.SIGIO)
	b.done.Go(func() {
		for {
			select {
			case <-b.signals:
				b.tell()
			case <-b.quit:
				return
			}
		}
	})
}

func (b *backend) close() {
	for _, p := range b.places {
		p.leave()
	}
	if b.signals != nil {
		signal.Stop(b.signals)
		close(b.quit)
		b.done.Wait()
	}
}

// A place is a watched directory.
type place struct {
	path   string
	events int
	parent bool // it is watched only for the directories in it, and only if that is possible
	fd     int  // -1: not open
}

func (p *place) arm() error {
	if p.fd >= 0 && !p.there() {
		p.leave()
	}
	if p.fd < 0 {
		if err := p.open(); err != nil {
			return err
		}
	}
	if _, err := unix.FcntlInt(uintptr(p.fd), unix.F_NOTIFY, p.events); err != nil {
		p.leave()
		return os.NewSyscallError("fcntl", err)
	}
	if !p.there() { // it was replaced just now
		p.leave()
		return unix.ESTALE
	}
	return nil
}

// there reports whether path still names the open directory.
func (p *place) there() bool {
	var ours, named unix.Stat_t
	return unix.Fstat(p.fd, &ours) == nil && unix.Stat(p.path, &named) == nil && ours.Dev == named.Dev && ours.Ino == named.Ino
}

func (p *place) open() (err error) {
	for {
		p.fd, err = unix.Open(p.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		p.fd = -1
		return os.NewSyscallError("open", err)
	}
	var on unix.Statfs_t
	err = unix.Fstatfs(p.fd, &on)
	if kind := uint32(on.Type); err == nil && !slices.Contains(local(), kind) {
		err = fmt.Errorf("a file system of type %#x: %w", kind, errors.ErrUnsupported)
	}
	if err == nil {
		// By default the kernel signals the thread that called F_NOTIFY, which may have ended.
		_, err = unix.FcntlInt(uintptr(p.fd), unix.F_SETOWN, os.Getpid())
	}
	if err != nil {
		p.leave()
	}
	return err
}

func (p *place) leave() {
	if p.fd >= 0 {
		_ = unix.Close(p.fd)
		p.fd = -1
	}
}

// local returns the types of file systems that only this machine changes: see statfs(2).
func local() []uint32 {
	const zfs, bcachefs, jfs, ubifs = 0x2fc12fc1, 0xca451a4e, 0x3153464a, 0x24051905
	return []uint32{
		unix.TMPFS_MAGIC, unix.RAMFS_MAGIC, unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC,
		unix.F2FS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, unix.MSDOS_SUPER_MAGIC, unix.REISERFS_SUPER_MAGIC, zfs, bcachefs, jfs, ubifs,
	}
}
