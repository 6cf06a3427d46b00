package embedded

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"sync/atomic"

	"github.com/fxamacker/cbor/v2"

	"mandate/shared/store"
)

// What keys and values look like as bytes. Partition keys carry their length, so that one
// partition is one run of bucket keys, sorted by sort key. All but its head: the item that is named like
// its partition's kind, as a user's own among her grants. Heads stand together before all else, because
// they are what is read here and there by the hundred; among a million grants each of them would be
// on a page of its own, found through pages that nothing else needed.

// behindHeads is set in the length of a partition key, which is at most store.MaxPKBytes, of
// all items but heads.
const behindHeads = 1 << 15

func partitionBytes(pk string, room int) []byte {
	return prefixBytes(pk, behindHeads, room)
}

func prefixBytes(pk string, flag uint16, room int) []byte {
	b := make([]byte, 0, 2+len(pk)+room)
	b = binary.BigEndian.AppendUint16(b, uint16(len(pk))|flag) //nolint:gosec // G115: at most store.MaxPKBytes
	return append(b, pk...)
}

func keyBytes(k store.Key) []byte {
	flag := uint16(behindHeads)
	if k.SK == headOf(k.PK) {
		flag = 0
	}
	return append(prefixBytes(k.PK, flag, len(k.SK)), k.SK...)
}

// headOf is the sort key of a partition's head.
func headOf(pk string) string {
	kind, _, _ := strings.Cut(pk, "#")
	return kind
}

func keyFrom(b []byte) (store.Key, error) {
	if len(b) < 2 {
		return store.Key{}, damaged("key of %d bytes", len(b))
	}
	n := 2 + int(binary.BigEndian.Uint16(b)&^behindHeads)
	if len(b) < n {
		return store.Key{}, damaged("key of %d bytes", len(b))
	}
	return store.Key{PK: string(b[2:n]), SK: string(b[n:])}, nil
}

// indexBytes is an item's key in an index, nil when it is not in it: partition, sort key
// with its end marked, and the item's own key, because many items may share the first two.
func indexBytes(attribute string, item store.Item, key []byte) []byte {
	pk, sk := item.Str(attribute), item.Str(store.AttrAudit)
	if pk == "" || sk == "" {
		return nil
	}
	b := append(partitionBytes(pk, len(sk)+2+len(key)), escaped(sk)...)
	return append(append(b, 0, 1), key...)
}

// escaped keeps the order of texts and lets 0,1 mark their end.
func escaped(s string) []byte {
	return bytes.ReplaceAll([]byte(s), []byte{0}, []byte{0, 0xff})
}

func sequenceBytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal puts a checksum of key and value before the value. bbolt has none for its pages,
// and a silently changed item could let somebody in.
func seal(key, value []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(value)), sum), value...)
}

func unseal(key, sealed []byte) ([]byte, error) {
	if len(sealed) < 4 {
		return nil, damaged("value of %d bytes", len(sealed))
	}
	value := sealed[4:]
	if binary.BigEndian.Uint32(sealed) != crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value) {
		return nil, damaged("checksum of %q does not match", key)
	}
	return value, nil
}

var (
	// encoder writes nil bytes as empty ones, as DynamoDB would return them.
	encoder = must(cbor.EncOptions{NilContainers: cbor.NilContainerAsEmpty}.EncMode())
	// digester sorts, so that equal mutations have equal bytes.
	digester = must(cbor.EncOptions{Sort: cbor.SortBytewiseLexical}.EncMode())
	// decoder reads all but items.
	decoder = must(cbor.DecOptions{IntDec: cbor.IntDecConvertSignedOrFail, MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 20}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const digestBytes = 16

// digest tells one write's mutations from another's.
func digest(m []store.Mutation) ([]byte, error) {
	b, err := digester.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	return sum[:digestBytes], nil
}

// A version is a stored item: sequence | item in CBOR, under a checksum.
type version struct {
	sequence uint64
	body     []byte // the item in CBOR
}

func versionBytes(key []byte, sequence uint64, body []byte) []byte {
	return seal(key, append(sequenceBytes(sequence), body...))
}

func versionFrom(key, sealed []byte) (version, error) {
	value, err := unseal(key, sealed)
	if err != nil {
		return version{}, err
	}
	if len(value) < 8 {
		return version{}, damaged("item of %d bytes", len(value))
	}
	return version{binary.BigEndian.Uint64(value), value[8:]}, nil
}

// A cache keeps decoded items by the sequence of the change that wrote them. A sequence
// names one version of one item for ever, so nothing in it can be stale: what a
// transaction finds in the file says which version it wants. (The sequences of a group
// that failed would come again, but after a failure nothing is written.) Decoding is
// several times the cost of finding an item, and most validations look at the same few.
//
// What a list passes is not kept: it would push out what every validation reads, and a page
// would cost less where it fits into the cache than where it does not.
type cache struct {
	slots [cacheSlots]atomic.Pointer[cached]
}

type cached struct {
	sequence uint64
	item     store.Item
}

const (
	cacheSlots     = 8192 // about 1.5 KB each at most times
	cacheItemBytes = 4096 // larger ones are decoded each time
)

// worthKeeping reports whether a read of so many keys should keep what it decodes: what tokens
// stand on. A read of more is a page of a list, and one of a single key is where such a page begins.
func worthKeeping(keys int) bool { return 1 < keys && keys <= 32 }

// get returns the item of a sealed version, decoding it when it is not in the cache, where
// it is kept if keep says so.
func (c *cache) get(key, sealed []byte, keep bool) (store.Item, error) {
	if len(sealed) >= 12 {
		sequence := binary.BigEndian.Uint64(sealed[4:])
		if hit := c.slots[sequence%cacheSlots].Load(); hit != nil && hit.sequence == sequence {
			return hit.item, nil
		}
	}
	v, err := versionFrom(key, sealed)
	if err != nil {
		return nil, err
	}
	item, err := decodeItem(v.body)
	if err != nil {
		return nil, err
	}
	if keep && len(v.body) <= cacheItemBytes {
		c.slots[v.sequence%cacheSlots].Store(&cached{v.sequence, item})
	}
	return item, nil
}
