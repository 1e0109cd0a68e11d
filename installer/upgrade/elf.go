package upgrade

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Package debug/elf is not used here: it links the decompression of debug information and
// initialises it at the start of every service, for the few numbers that are needed.

const (
	elfMagic     = "\x7fELF"
	elfClassAt   = 4
	elfOrderAt   = 5
	elfMachineAt = 18
	elfHeadSize  = 64 // of the longer of both classes

	elf64      = 2 // the class
	elfMSB     = 2 // the order
	elfNoBytes = 8 // the type of a section that is not in the file
)

// elfMachine names the machines for which Go builds ELF files. It is no map, which would be
// filled at the start of every service.
func elfMachine(number uint16) string {
	switch number {
	case 3:
		return "i386"
	case 8:
		return "mips"
	case 21:
		return "ppc64"
	case 22:
		return "s390x"
	case 40:
		return "arm"
	case 62:
		return "x86-64"
	case 183:
		return "arm64"
	case 243:
		return "riscv"
	case 258:
		return "loongarch"
	}
	return fmt.Sprintf("machine %d", number)
}

// elfOrder returns the byte order of an ELF file that begins with head.
func elfOrder(head []byte) binary.ByteOrder {
	if head[elfOrderAt] == elfMSB {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func elfKind(head []byte) kind {
	bits := "32"
	if head[elfClassAt] == elf64 {
		bits = "64"
	}
	return kind{"ELF", elfMachine(elfOrder(head).Uint16(head[elfMachineAt:])) + ", " + bits + " bits"}
}

// An elfTable says where the header describes a table, and where an entry describes a part of
// the file. All are offsets.
type elfTable struct {
	at, size, count int // in the header: of the table, of an entry, the number of entries
	offset, length  int // in an entry
	entry           int // its length
	sections        bool
}

// elfTables returns the tables of the program headers and the section headers, and the size of
// an offset in them. See elf(5).
func elfTables(class byte) (tables []elfTable, word int) {
	if class == elf64 {
		return []elfTable{{0x20, 0x36, 0x38, 0x08, 0x20, 0x38, false}, {0x28, 0x3a, 0x3c, 0x18, 0x20, 0x40, true}}, 8
	}
	return []elfTable{{0x1c, 0x2a, 0x2c, 0x04, 0x10, 0x20, false}, {0x20, 0x2e, 0x30, 0x10, 0x14, 0x28, true}}, 4
}

// elfEnd returns the length that an ELF file must have according to its headers.
func elfEnd(f io.ReaderAt) (end uint64, err error) {
	head := make([]byte, elfHeadSize)
	if _, err := f.ReadAt(head, 0); err != nil {
		return 0, err
	}
	order := elfOrder(head)
	tables, word := elfTables(head[elfClassAt])
	long := func(b []byte, at int) uint64 {
		if word == 4 {
			return uint64(order.Uint32(b[at:]))
		}
		return order.Uint64(b[at:])
	}
	for _, t := range tables {
		at, entry := long(head, t.at), make([]byte, t.entry)
		for range order.Uint16(head[t.count:]) {
			if at > math.MaxInt64 {
				return 0, io.ErrUnexpectedEOF
			}
			if _, err := f.ReadAt(entry, int64(at)); err != nil {
				return 0, err
			}
			if offset, length := long(entry, t.offset), long(entry, t.length); !t.sections || order.Uint32(entry[4:]) != elfNoBytes {
				end = max(end, offset+min(length, math.MaxUint64-offset))
			}
			at += uint64(order.Uint16(head[t.size:]))
		}
	}
	return end, nil
}
