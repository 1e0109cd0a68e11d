package ship

import (
	"errors"
	"hash/crc32"
	"io"
)

// mark is a place in a file, and what shows that it still is that place: the
// checksum of the bytes before it.
type mark struct {
	Offset int64  `json:"offset"`
	Sum    uint32 `json:"crc32"` // of the last markBytes bytes before Offset, or all
}

// markBytes are about the last line's worth: log lines bear a time.
const markBytes = 64

// markAt is the mark at offset, where the bytes before it end in text.
func markAt(offset int64, text []byte) mark {
	return mark{Offset: offset, Sum: crc32.ChecksumIEEE(text[len(text)-before(offset):])}
}

// before is how many bytes before offset a mark covers.
func before(offset int64) int { return int(min(offset, markBytes)) }

// holds reports whether text, the before(Offset) bytes before the mark, is what
// it was.
func (m mark) holds(text []byte) bool { return crc32.ChecksumIEEE(text) == m.Sum }

// holdsIn reports whether the file still has the mark. The error is one of
// reading.
func (m mark) holdsIn(file io.ReaderAt) (bool, error) {
	text := make([]byte, before(m.Offset))
	n, err := file.ReadAt(text, m.Offset-int64(len(text)))
	if n < len(text) {
		if errors.Is(err, io.EOF) {
			return false, nil // it has become shorter
		}
		return false, err
	}
	return m.holds(text), nil
}

// readMark makes the mark of an offset from the file itself.
func readMark(file io.ReaderAt, offset int64) (mark, error) {
	text := make([]byte, before(offset))
	if n, err := file.ReadAt(text, offset-int64(len(text))); n < len(text) {
		return mark{}, err
	}
	return markAt(offset, text), nil
}
