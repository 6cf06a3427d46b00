package embedded

import (
	"math"
	"unicode/utf8"

	"mandate/shared/store"
)

// decodeItem reads an item as encoder writes it: of CBOR (RFC 8949) only a map of texts to
// texts, integers, truth values, bytes and lists of texts, all of known length. A list of
// a hundred users is a hundred of these, so it is made to cost little: the item's texts,
// names too, are parts of one copy. TestDecodeItem holds it to what the library reads.
func decodeItem(b []byte) (store.Item, error) {
	r := itemReader{rest: string(b)}
	size := r.length(majorMap)
	item := make(store.Item, min(size, len(b)))
	for range size {
		name := r.text()
		v := r.value()
		if r.broken {
			break
		}
		item[name] = v
	}
	if r.broken || r.rest != "" || len(item) != size {
		return nil, damaged("item of %d bytes", len(b))
	}
	return item, nil
}

// Major types of CBOR.
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorList
	majorMap
	majorSimple = 7
)

// Simple values of CBOR.
const (
	simpleFalse = 20
	simpleTrue  = 21
)

// An itemReader reads what is left of an item; broken once it was not what it should be.
type itemReader struct {
	rest   string
	broken bool
}

// head is the major type of what follows and its argument.
func (r *itemReader) head() (major byte, argument uint64) {
	if r.rest == "" {
		r.broken = true
		return 0, 0
	}
	first := r.rest[0]
	major, argument = first>>5, uint64(first&0x1f)
	more := 0
	if argument >= 24 {
		if argument > 27 { // of unknown length, or nothing at all
			r.broken = true
			return 0, 0
		}
		more, argument = 1<<(argument-24), 0
	}
	if len(r.rest) < 1+more {
		r.broken = true
		return 0, 0
	}
	for _, b := range []byte(r.rest[1 : 1+more]) {
		argument = argument<<8 | uint64(b)
	}
	r.rest = r.rest[1+more:]
	return major, argument
}

// length is that of a container of a type, at most as many as there are bytes left.
func (r *itemReader) length(of byte) int {
	major, n := r.head()
	if major != of || n > uint64(len(r.rest)) {
		r.broken = true
		return 0
	}
	return int(n) //nolint:gosec // G115: at most len(rest)
}

// take is the next n bytes.
func (r *itemReader) take(n uint64) string {
	if n > uint64(len(r.rest)) {
		r.broken = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *itemReader) text() string { return r.valid(uint64(r.length(majorText))) } //nolint:gosec // G115: not negative

func (r *itemReader) valid(n uint64) string {
	s := r.take(n)
	if !utf8.ValidString(s) {
		r.broken = true
	}
	return s
}

func (r *itemReader) value() store.Value {
	major, n := r.head()
	switch {
	case major == majorUnsigned && n <= math.MaxInt64:
		return int64(n)
	case major == majorNegative && n <= math.MaxInt64:
		return -1 - int64(n)
	case major == majorBytes:
		return []byte(r.take(n))
	case major == majorText:
		return r.valid(n)
	case major == majorList && n <= uint64(len(r.rest)):
		set := make(store.Set, n)
		for i := range set {
			set[i] = r.text()
		}
		return set
	case major == majorSimple && (n == simpleFalse || n == simpleTrue):
		return n == simpleTrue
	}
	r.broken = true
	return nil
}
