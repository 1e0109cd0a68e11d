package upgrade

import (
	"encoding/binary"
	"io"
	"math/bits"
)

// blake2b512 is BLAKE2b with a digest of 64 bytes and without a key, RFC 7693, which
// the standard library does not have: minisign signs that of a file.
func blake2b512(r io.Reader) (sum [64]byte, err error) {
	h := blake2bIV()
	h[0] ^= 0x01010000 ^ uint64(len(sum))
	const size = 128
	var length uint64
	// One block is held back: the last one, even if it is whole, is compressed otherwise.
	var block, next [size]byte
	n, err := io.ReadFull(r, block[:])
	for err == nil {
		var m int
		m, err = io.ReadFull(r, next[:])
		if m == 0 {
			break
		}
		length += size
		blake2bCompress(&h, &block, length, false)
		block, n = next, m
		next = [size]byte{}
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { //nolint:errorlint // io.ReadFull's own
		return sum, err
	}
	clear(block[n:])
	blake2bCompress(&h, &block, length+uint64(n), true) //nolint:gosec // not negative
	for i, v := range h {
		binary.LittleEndian.PutUint64(sum[8*i:], v)
	}
	return sum, nil
}

func blake2bIV() [8]uint64 {
	return [8]uint64{
		0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
		0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
	}
}

// blake2bSigma are the permutations of the words of a block; rounds 10 and 11 use the
// first two again.
func blake2bSigma() [10][16]byte {
	return [10][16]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
		{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
		{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
		{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
		{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
		{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
		{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
		{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
		{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
	}
}

func blake2bCompress(h *[8]uint64, block *[128]byte, length uint64, last bool) {
	var m, v [16]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(block[8*i:])
	}
	iv, sigma := blake2bIV(), blake2bSigma()
	copy(v[:8], h[:])
	copy(v[8:], iv[:])
	v[12] ^= length
	if last {
		v[14] = ^v[14]
	}
	mix := func(a, b, c, d int, x, y uint64) {
		v[a] += v[b] + x
		v[d] = bits.RotateLeft64(v[d]^v[a], -32)
		v[c] += v[d]
		v[b] = bits.RotateLeft64(v[b]^v[c], -24)
		v[a] += v[b] + y
		v[d] = bits.RotateLeft64(v[d]^v[a], -16)
		v[c] += v[d]
		v[b] = bits.RotateLeft64(v[b]^v[c], -63)
	}
	for round := range 12 {
		s := sigma[round%10]
		for i := range 4 {
			mix(i, 4+i, 8+i, 12+i, m[s[2*i]], m[s[2*i+1]])
		}
		for i := range 4 {
			mix(i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4, m[s[8+2*i]], m[s[9+2*i]])
		}
	}
	for i := range h {
		h[i] ^= v[i] ^ v[i+8]
	}
}
