package ship

import "bytes"

// split passes the complete lines at the start of text to emit, each with its newline, and
// returns the number of bytes consumed. An incomplete line is left for the next call, unless
// it already has limit bytes: then it is skipped, and stillSkipping says that text ends within
// it. skipping says that text begins within such a line. text has at most limit bytes.
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

// withoutEnd returns line without "\n" or "\r\n", for matching.
func withoutEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}
