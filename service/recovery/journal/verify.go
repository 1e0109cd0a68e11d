package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The layout of bbolt's pages: see go.etcd.io/bbolt/internal/common. bbolt maps the file into
// memory and trusts it. A missing page kills the process (SIGBUS), and a damaged one makes
// bbolt panic, even in goroutines of its own. So the pages are verified first.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader = 16 // id, flags, count, overflow
	pageElem   = 16 // for branches and leaves alike
	metaSize   = 64
	metaSum    = 56 // offset of the checksum, and the number of bytes that it covers

	flagBranch, flagLeaf, flagMeta, flagFreelist = 0x01, 0x02, 0x04, 0x10

	bucketElem  = 0x01 // flag of an element that is a bucket
	bucketSize  = 16   // root, sequence
	deepest     = 64   // depth limit of the tree; a depth of ten is a terabyte
	manyFree    = 0xFFFF
	maxPageSize = 1 << 16
)

// A boltMeta is one of the two pages that locate all others.
type boltMeta struct {
	pageSize, root, freelist, high, txid uint64
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// verify checks every page that bbolt may read.
func verify(r io.ReaderAt, size int64) error {
	meta, err := readMeta(r, size)
	if err != nil {
		return err
	}
	if meta.high < 4 || meta.high > uint64(size)/meta.pageSize {
		return damaged("it is cut off: it has %d bytes, not %d pages of %d", size, meta.high, meta.pageSize)
	}
	v := &verifier{r: r, meta: meta, seen: make([]uint64, meta.high/64+1)}
	v.seen[0] = 3 // both metas
	if err := v.free(); err != nil {
		return err
	}
	return v.tree(meta.root, 0)
}

// readMeta returns the newest valid meta page.
func readMeta(r io.ReaderAt, size int64) (boltMeta, error) {
	if size < pageHeader+metaSize {
		return boltMeta{}, damaged("%d bytes are too few", size)
	}
	first, err := metaAt(r, 0)
	best := first
	// The second meta page follows the first, which may be damaged.
	for ps := uint64(512); ps <= maxPageSize; ps *= 2 {
		if err == nil && first.pageSize != ps {
			continue
		}
		second, e := metaAt(r, int64(ps))
		if e == nil && second.pageSize == ps && (err != nil || second.txid > best.txid) {
			best, err = second, nil
			break
		}
	}
	return best, err
}

func metaAt(r io.ReaderAt, at int64) (m boltMeta, err error) {
	var b [pageHeader + metaSize]byte
	if _, err := r.ReadAt(b[:], at); err != nil {
		return m, unread(err)
	}
	p := b[pageHeader:]
	le := binary.NativeEndian // as bbolt does
	switch {
	case le.Uint16(b[8:]) != flagMeta || le.Uint32(p) != boltMagic:
		return m, damaged("it is not a journal")
	case le.Uint32(p[4:]) != boltVersion:
		return m, damaged("it is of version %d of bbolt's format", le.Uint32(p[4:]))
	}
	sum := fnv.New64a()
	_, _ = sum.Write(p[:metaSum])
	if sum.Sum64() != le.Uint64(p[metaSum:]) {
		return m, damaged("a checksum is wrong")
	}
	m = boltMeta{
		pageSize: uint64(le.Uint32(p[8:])), root: le.Uint64(p[16:]), freelist: le.Uint64(p[32:]),
		high: le.Uint64(p[40:]), txid: le.Uint64(p[48:]),
	}
	if m.pageSize < 512 || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0 {
		return m, damaged("a page of %d bytes", m.pageSize)
	}
	return m, nil
}

type verifier struct {
	r    io.ReaderAt
	meta boltMeta
	seen []uint64 // one bit for each page that is used or free
	bufs [deepest + 2][]byte
}

// take marks page id as used, and returns an error if it is used already.
func (v *verifier) take(id uint64) error {
	if id >= v.meta.high {
		return damaged("page %d of %d", id, v.meta.high)
	}
	if v.seen[id/64]&(1<<(id%64)) != 0 {
		return damaged("page %d is used twice", id)
	}
	v.seen[id/64] |= 1 << (id % 64)
	return nil
}

// page reads a page and its overflow pages. The result is valid until the next call with the
// same depth.
func (v *verifier) page(id uint64, depth int) (b []byte, flags, count uint16, err error) {
	if id >= v.meta.high {
		return nil, 0, 0, damaged("page %d of %d", id, v.meta.high)
	}
	var head [pageHeader]byte
	at := int64(id * v.meta.pageSize)
	if _, err := v.r.ReadAt(head[:], at); err != nil {
		return nil, 0, 0, unread(err)
	}
	le := binary.NativeEndian
	more := uint64(le.Uint32(head[12:]))
	if le.Uint64(head[:]) != id || id+more >= v.meta.high {
		return nil, 0, 0, damaged("page %d says that it is page %d and %d more", id, le.Uint64(head[:]), more)
	}
	for i := id; i <= id+more; i++ {
		if err := v.take(i); err != nil {
			return nil, 0, 0, err
		}
	}
	size := (more + 1) * v.meta.pageSize
	if uint64(cap(v.bufs[depth])) < size {
		v.bufs[depth] = make([]byte, size)
	}
	b = v.bufs[depth][:size]
	if _, err := v.r.ReadAt(b, at); err != nil {
		return nil, 0, 0, unread(err)
	}
	return b, le.Uint16(b[8:]), le.Uint16(b[10:]), nil
}

func (v *verifier) free() error {
	b, flags, count, err := v.page(v.meta.freelist, 0)
	if err != nil {
		return err
	}
	if flags != flagFreelist {
		return damaged("page %d is not the list of free pages", v.meta.freelist)
	}
	ids, n, le := b[pageHeader:], uint64(count), binary.NativeEndian
	if count == manyFree {
		n, ids = le.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids))/8 {
		return damaged("%d free pages in a list that has no room for them", n)
	}
	for i := range n {
		if err := v.take(le.Uint64(ids[8*i:])); err != nil {
			return err
		}
	}
	return nil
}

// tree verifies the page id and everything below it.
func (v *verifier) tree(id uint64, depth int) error {
	if depth > deepest {
		return damaged("more than %d pages deep", deepest)
	}
	b, flags, count, err := v.page(id, depth)
	if err != nil {
		return err
	}
	switch {
	case flags == flagLeaf:
		return v.leaf(b, count, depth)
	case flags != flagBranch || count == 0:
		return damaged("page %d is neither branch nor leaf", id)
	}
	le := binary.NativeEndian
	var last []byte
	for i := range int(count) {
		at := pageHeader + i*pageElem
		if at+pageElem > len(b) {
			return damaged("page %d has no room for its %d elements", id, count)
		}
		k, ok := part(b, uint64(at)+uint64(le.Uint32(b[at:])), uint64(le.Uint32(b[at+4:])))
		if !ok || i > 0 && string(k) <= string(last) {
			return damaged("page %d is not sorted", id)
		}
		last = k
		if err := v.tree(le.Uint64(b[at+8:]), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaf verifies a page of keys and values, or an inline bucket, which looks like one.
func (v *verifier) leaf(b []byte, count uint16, depth int) error {
	le := binary.NativeEndian
	var last []byte
	for i := range int(count) {
		at := pageHeader + i*pageElem
		if at+pageElem > len(b) {
			return damaged("a leaf has no room for its %d elements", count)
		}
		pos, ksize, vsize := uint64(at)+uint64(le.Uint32(b[at+4:])), uint64(le.Uint32(b[at+8:])), uint64(le.Uint32(b[at+12:]))
		k, ok := part(b, pos, ksize)
		val, whole := part(b, pos+ksize, vsize)
		if !ok || !whole || i > 0 && string(k) <= string(last) {
			return damaged("a leaf is not sorted")
		}
		last = k
		if le.Uint32(b[at:])&bucketElem == 0 {
			continue
		}
		if err := v.bucket(val, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) bucket(val []byte, depth int) error {
	if depth > deepest || len(val) < bucketSize {
		return damaged("a bucket of %d bytes", len(val))
	}
	le := binary.NativeEndian
	if root := le.Uint64(val); root != 0 {
		return v.tree(root, depth)
	}
	inline := val[bucketSize:]
	if len(inline) < pageHeader || le.Uint16(inline[8:]) != flagLeaf {
		return damaged("an inline bucket is none")
	}
	return v.leaf(inline, le.Uint16(inline[10:]), depth)
}

func part(b []byte, at, n uint64) ([]byte, bool) {
	if at > uint64(len(b)) || n > uint64(len(b))-at {
		return nil, false
	}
	return b[at : at+n], true
}

// unread returns err, the error of a read, or ErrDamaged if the file is too short.
func unread(err error) error {
	if errors.Is(err, io.EOF) {
		return damaged("it is cut off")
	}
	return err
}
