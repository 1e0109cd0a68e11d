package ship_test

import (
	"bytes"
	"testing"

	"github.com/holdfast-dev/holdfast/examples/shipper/ship"
)

// Through a window of limit bytes, however the file grows, every line is emitted once that is
// complete and not too long.
func FuzzSplit(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), []byte{3, 5}, uint8(8))
	f.Add([]byte("toolongbyfar\nshort\n"), []byte{1}, uint8(4))
	f.Add([]byte("abc\nabcd\n"), []byte{0, 255}, uint8(4))
	f.Fuzz(func(t *testing.T, text, growth []byte, limit8 uint8) {
		limit := int(limit8) + 1
		var want [][]byte
		for line := range bytes.SplitAfterSeq(text, []byte("\n")) {
			if bytes.HasSuffix(line, []byte("\n")) && len(line) <= limit {
				want = append(want, line)
			}
		}
		var got [][]byte
		emit := func(line []byte) { got = append(got, line) }
		offset, size, skipping := 0, 0, false
		for i := 0; size < len(text); i++ {
			if i < len(growth) {
				size = min(size+int(growth[i]), len(text))
			} else {
				size = len(text)
			}
			for consumed := 1; consumed > 0; offset += consumed {
				window := text[offset:size]
				consumed, skipping = ship.Split(window[:min(limit, len(window))], limit, skipping, emit)
				if consumed < 0 || consumed > len(window) {
					t.Fatalf("consumed %d of %d bytes", consumed, len(window))
				}
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%q, want %q", got, want)
		}
		for i := range got {
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("line %d is %q, want %q", i, got[i], want[i])
			}
		}
	})
}
