package ship

import "bytes"

// split hands the complete lines at the start of text to emit, each with its
// newline, and returns how many bytes it has dealt with. A line that is not
// complete waits, unless it is limit bytes long already: then it is passed over,
// and skipping says that text ends within it. Skipping going in says that text
// begins within such a line. Text is limit bytes long at most.
func split(text []byte, limit int, skipping bool, emit func(line []byte)) (consumed int, stillSkipping bool) {
	rest := text
	if skipping {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return len(text), true
		}
		rest = rest[end+1:]
	}
	for {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		emit(rest[:end+1])
		rest = rest[end+1:]
	}
	if len(rest) >= limit {
		return len(text), true
	}
	return len(text) - len(rest), false
}

// withoutEnd is line without "\n" or "\r\n", as a pattern should see it.
func withoutEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
