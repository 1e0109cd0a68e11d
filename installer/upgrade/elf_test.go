package upgrade_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/holdfast-dev/holdfast/installer/upgrade"
)

// elfFile returns an ELF file of a class and byte order that has a program header and two
// sections, the second of which is not in the file, and the length that it must have.
func elfFile(t testing.TB, class elf.Class, data elf.Data) (content []byte, end uint64) {
	t.Helper()
	var order binary.ByteOrder = binary.LittleEndian
	if data == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(class), byte(data), byte(elf.EV_CURRENT)}
	var b bytes.Buffer
	parts := []any{
		elf.Header64{Ident: ident, Type: 2, Machine: 62, Version: 1, Phoff: 64, Shoff: 120, Ehsize: 64, Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: 3},
		elf.Prog64{Type: 1, Off: 400, Filesz: 100},
		elf.Section64{},
		elf.Section64{Type: 1, Off: 450, Size: 200},
		elf.Section64{Type: uint32(elf.SHT_NOBITS), Off: 600, Size: 1 << 40},
	}
	if class == elf.ELFCLASS32 {
		parts = []any{
			elf.Header32{Ident: ident, Type: 2, Machine: 8, Version: 1, Phoff: 52, Shoff: 84, Ehsize: 52, Phentsize: 32, Phnum: 1, Shentsize: 40, Shnum: 3},
			elf.Prog32{Type: 1, Off: 400, Filesz: 100},
			elf.Section32{},
			elf.Section32{Type: 1, Off: 450, Size: 200},
			elf.Section32{Type: uint32(elf.SHT_NOBITS), Off: 600, Size: 1 << 30},
		}
	}
	for _, part := range parts {
		if err := binary.Write(&b, order, part); err != nil {
			t.Fatal(err)
		}
	}
	return append(b.Bytes(), make([]byte, 650-b.Len())...), 650
}

func TestELFEnd(t *testing.T) {
	for _, class := range []elf.Class{elf.ELFCLASS32, elf.ELFCLASS64} {
		for _, data := range []elf.Data{elf.ELFDATA2LSB, elf.ELFDATA2MSB} {
			content, want := elfFile(t, class, data)
			if end, err := upgrade.ELFEnd(bytes.NewReader(content)); err != nil || end != want {
				t.Errorf("%v, %v: %d, %v", class, data, end, err)
			}
			for _, n := range []int{10, 63, 70, 200} { // its headers are cut off
				if end, err := upgrade.ELFEnd(bytes.NewReader(content[:n])); err == nil {
					t.Errorf("%v, %v: %d bytes pass for a file of %d", class, data, n, end)
				}
			}
		}
	}
}

// The numbers are those of package debug/elf, which is too expensive for every service.
func FuzzELFEnd(f *testing.F) {
	for _, class := range []elf.Class{elf.ELFCLASS32, elf.ELFCLASS64} {
		for _, data := range []elf.Data{elf.ELFDATA2LSB, elf.ELFDATA2MSB} {
			content, _ := elfFile(f, class, data)
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		end, err := upgrade.ELFEnd(bytes.NewReader(content))
		theirs, refused := elf.NewFile(bytes.NewReader(content))
		if err != nil || refused != nil { // it refuses more, such as unknown versions
			return
		}
		want := uint64(0)
		for _, p := range theirs.Progs {
			want = max(want, p.Off+p.Filesz)
		}
		for _, s := range theirs.Sections {
			if s.Type != elf.SHT_NOBITS {
				want = max(want, s.Offset+s.FileSize)
			}
		}
		extended := len(theirs.Sections) != 0 && end < want // the number of sections is in the first one
		if end != want && !extended {
			t.Errorf("it ends at %d instead of %d", end, want)
		}
	})
}

func TestATruncatedProgramIsRefused(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "freebsd" {
		t.Skip("programs are no ELF files here")
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := upgrade.Whole(own); err != nil {
		t.Error(err)
	}
	theirs, err := elf.Open(own)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	if format, machine, err := upgrade.KindOf(own); err != nil || format != "ELF" || runtime.GOARCH == "amd64" && machine != "x86-64, 64 bits" {
		t.Errorf("%s, %s, %v", format, machine, err)
	}
	content, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{64, 1000, len(content) / 2, len(content) - 1} {
		path := filepath.Join(t.TempDir(), fmt.Sprint(n))
		if err := os.WriteFile(path, content[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := upgrade.Whole(path); err == nil {
			t.Errorf("%d of %d bytes pass for a program", n, len(content))
		}
	}
}
