package bed

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
)

// Put copies a file of the host into the running bed: see [Bed.Write].
func (b *Bed) Put(hostPath, bedPath string, mode fs.FileMode) error {
	src, err := os.Open(hostPath)
	if err != nil {
		return fmt.Errorf("put %s into bed %s: %w", hostPath, b.Name(), err)
	}
	defer src.Close()
	if err := b.m.write(bedPath, src, mode); err != nil {
		return fmt.Errorf("put %s into bed %s as %s: %w", hostPath, b.Name(), bedPath, err)
	}
	return nil
}

// Write makes a regular file in the running bed, owned by its root, with exactly that mode
// (including set-id and sticky bits, in Go's notation). It makes missing directories with mode
// 0755. An existing file is replaced atomically, so a running program may be overwritten. A
// symbolic link at the end of the path is replaced, too, and not followed. Write sees the
// bed's mounts: /run/x is where the bed's programs look for it, and an absolute symbolic link
// leads to a place in the bed, never on the host.
func (b *Bed) Write(path string, data []byte, mode fs.FileMode) error {
	if err := b.m.write(path, bytes.NewReader(data), mode); err != nil {
		return fmt.Errorf("write %s in bed %s: %w", path, b.Name(), err)
	}
	return nil
}

// Read returns the content of a file of the running bed, and follows symbolic links inside the
// bed. The error wraps [fs.ErrNotExist] if there is no such file. Do not read files that may
// block, such as a FIFO or /dev/console.
func (b *Bed) Read(path string) ([]byte, error) {
	data, err := b.m.read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s in bed %s: %w", path, b.Name(), err)
	}
	return data, nil
}
