// Package watch reports that something has changed in a directory, so that nobody has to look
// every second.
//
// It reports that an entry was created, removed, renamed, written or changed in its
// attributes, and that the directory itself was removed or renamed. It does not say what has
// changed. It reports once, until it is armed again, so a burst of changes wakes the watcher
// no more often than the watcher wants.
//
// No system reports some changes: those made by another machine on a network file system,
// through a hard link elsewhere, through mapped memory, or by a mount over the directory. So a
// watcher should still look from time to time.
//
// # Linux notes
//
// The package uses dnotify (F_NOTIFY of fcntl(2)). inotify(7) would delay the end of each
// process by one to ten milliseconds, because the kernel waits for all readers of its marks
// before it frees an instance (fsnotify_wait_marks_destroyed in fs/notify/mark.c). The whole
// stop of a small service takes one millisecond. Changes arrive as SIGIO, which Go ignores
// unless somebody asks for it. The parent directory reports a rename of the directory, if this
// process may read the parent. Only file systems are watched that no other machine can change,
// and none if the sysctl fs.dir-notify-enable is 0.
//
// # Other systems
//
// [Watch.Arm] fails with [errors.ErrUnsupported].
package watch

// A Watch watches directories. Only one goroutine may use it.
type Watch struct {
	told    chan struct{} // holds a token after a change
	backend *backend
}

// New returns a Watch of dirs that is not armed yet. The caller must close it.
func New(dirs ...string) *Watch {
	w := &Watch{told: make(chan struct{}, 1)}
	w.backend = newBackend(dirs, w.tell)
	return w
}

// Arm makes Told report the next change. An error means that changes may go unnoticed, because
// a directory is missing or cannot be watched. The caller then has to look for itself. Arm may
// be called repeatedly. It then also opens directories that others have replaced.
func (w *Watch) Arm() error { return w.backend.arm() }

// Told returns a channel that holds a token after a change since Arm. There may be a token without any change.
func (w *Watch) Told() <-chan struct{} { return w.told }

// Close ends the watch and frees its resources.
func (w *Watch) Close() { w.backend.close() }

func (w *Watch) tell() {
	select {
	case w.told <- struct{}{}:
	default:
	}
}
