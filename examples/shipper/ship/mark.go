package ship

import (
	"errors"
	"hash/crc32"
	"io"
)

// A mark is a place in a file, with a checksum of the bytes before it to recognise the place.
type mark struct {
	Offset int64  `json:"offset"`
	Sum    uint32 `json:"crc32"` // of at most markBytes bytes before Offset
}

// markBytes is about the length of a line. Log lines have a time, so they differ.
const markBytes = 64

// markAt returns the mark at offset. text ends with the bytes before it.
func markAt(offset int64, text []byte) mark {
	return mark{Offset: offset, Sum: crc32.ChecksumIEEE(text[len(text)-before(offset):])}
}

// before returns how many bytes before offset a mark covers.
func before(offset int64) int { return int(min(offset, markBytes)) }

// holds reports whether text, the before(Offset) bytes before the mark, is unchanged.
func (m mark) holds(text []byte) bool { return crc32.ChecksumIEEE(text) == m.Sum }

// holdsIn reports whether the file still has the mark. The error is a read error.
func (m mark) holdsIn(file io.ReaderAt) (bool, error) {
	text := make([]byte, before(m.Offset))
	n, err := file.ReadAt(text, m.Offset-int64(len(text)))
	if n < len(text) {
		if errors.Is(err, io.EOF) {
			return false, nil // the file has become shorter
		}
		return false, err
	}
	return m.holds(text), nil
}

// readMark returns the mark at an offset of the file.
func readMark(file io.ReaderAt, offset int64) (mark, error) {
	text := make([]byte, before(offset))
	if n, err := file.ReadAt(text, offset-int64(len(text))); n < len(text) {
		return mark{}, err
	}
	return markAt(offset, text), nil
}
