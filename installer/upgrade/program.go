package upgrade

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// errForeignProgram means that this machine cannot run the file as it runs the confirmed
// version.
var errForeignProgram = errors.New("not a program for this machine")

// A kind is the format of an executable and the machine that it is for. Programs with equal
// kinds run on the same machine.
type kind struct{ format, machine string }

// checkKind refuses a truncated program, and one of another kind than the confirmed version.
func checkKind(path, stable string) error {
	want, err := kindOf(stable)
	if err != nil { // nothing to compare with; `FILE version` will decide
		return nil //nolint:nilerr // for example a script
	}
	got, err := kindOf(path)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: it is for %s (%s), and the confirmed version for %s (%s)", errForeignProgram, got.machine, got.format, want.machine, want.format)
	}
	if want.format == "ELF" {
		return whole(path)
	}
	return nil
}

func kindOf(path string) (kind, error) {
	f, err := os.Open(path)
	if err != nil {
		return kind{}, err
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return kind{}, err
	}
	return kindFrom(head[:n])
}

func kindFrom(head []byte) (kind, error) {
	le, be := binary.LittleEndian, binary.BigEndian
	switch {
	case len(head) > elfMachineAt+1 && bytes.HasPrefix(head, []byte(elfMagic)):
		return elfKind(head), nil
	case len(head) >= 8 && (le.Uint32(head) == 0xfeedfacf || le.Uint32(head) == 0xfeedface):
		return kind{"Mach-O", fmt.Sprintf("cpu %#x", le.Uint32(head[4:]))}, nil
	case len(head) >= 8 && be.Uint32(head) == 0xcafebabe:
		return kind{"Mach-O", "several"}, nil
	case len(head) >= 0x40 && bytes.HasPrefix(head, []byte("MZ")):
		at := int64(le.Uint32(head[0x3c:]))
		if at+6 <= int64(len(head)) && bytes.Equal(head[at:at+4], []byte("PE\x00\x00")) {
			return kind{"PE", fmt.Sprintf("machine %#x", le.Uint16(head[at+4:]))}, nil
		}
	}
	return kind{}, fmt.Errorf("%w: it is not a known kind of executable", errForeignProgram)
}

// whole refuses an ELF file that is shorter than its headers say.
func whole(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	end, err := elfEnd(f)
	if err != nil {
		return fmt.Errorf("%w: it is incomplete: its headers cannot be read: %w", errForeignProgram, err)
	}
	if end > uint64(info.Size()) { //nolint:gosec // sizes are not negative
		return fmt.Errorf("%w: it is incomplete: it has %d of at least %d bytes", errForeignProgram, info.Size(), end)
	}
	return nil
}
