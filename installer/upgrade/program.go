package upgrade

import (
	"bytes"
	"debug/elf"
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
	case len(head) >= 20 && bytes.HasPrefix(head, []byte("\x7fELF")):
		var order binary.ByteOrder = le
		if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
			order = be
		}
		return kind{"ELF", fmt.Sprintf("%v, %v", elf.Machine(order.Uint16(head[18:])), elf.Class(head[elf.EI_CLASS]))}, nil
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
	return kind{}, fmt.Errorf("%w: it is no executable that is known here", errForeignProgram)
}

// whole refuses an ELF file that is shorter than its headers say.
func whole(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", errForeignProgram, err)
	}
	defer f.Close()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	end := uint64(0)
	for _, p := range f.Progs {
		end = max(end, p.Off+p.Filesz)
	}
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOBITS {
			end = max(end, s.Offset+s.FileSize)
		}
	}
	if end > uint64(info.Size()) { //nolint:gosec // sizes are not negative
		return fmt.Errorf("%w: it is cut off: %d bytes of at least %d", errForeignProgram, info.Size(), end)
	}
	return nil
}
