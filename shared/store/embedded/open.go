package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Why a data file cannot be used.
var (
	ErrLocked  = errors.New("data file is in use by another process")
	ErrDamaged = errors.New("data file is damaged")
	ErrFormat  = errors.New("data file is not a table of this version")
)

// format names what is in the file. It changes when an older program could no longer read it.
const format = "mandate-table/2"

// Buckets of the file. In comments, | joins parts of a key or value.
var (
	bucketMeta     = []byte("meta")     // "format" → format
	bucketItems    = []byte("items")    // key (keyBytes) → checksum | sequence | item
	bucketIndex1   = []byte("index1")   // index key (indexBytes) → key
	bucketIndex2   = []byte("index2")   // the same
	bucketTTL      = []byte("ttl")      // seconds | key → nothing
	bucketLog      = []byte("log")      // sequence → checksum | time | change
	bucketReaders  = []byte("readers")  // name of a reader of the log → position
	bucketRequests = []byte("requests") // start of a period → bucket of request id → digest

	allBuckets = [][]byte{bucketMeta, bucketItems, bucketIndex1, bucketIndex2, bucketTTL, bucketLog, bucketReaders, bucketRequests}
	keyFormat  = []byte("format")
)

const (
	lockTimeout = time.Second
	// mapped is address space, not memory or disk: while the file is smaller, bbolt need
	// not map it anew, for which it must wait until no read runs.
	mapped = 64 << 20
	// checkFor bounds the check of all pages at start. What it does not reach in a large
	// file is checked when it is read.
	checkFor = time.Second
)

// openFile opens or creates the file at path, or a file without a name when path is "".
func openFile(path string) (*bbolt.DB, error) {
	if path == "" {
		return openMemory()
	}
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.Size() == 0:
		return nil, damaged("it is empty") // bbolt would take it for a new one
	}
	db, err := openBolt(path, bbolt.Options{NoFreelistSync: true})
	if err != nil {
		return nil, err
	}
	if err := check(db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openMemory makes a file that has no name any more once it is open, so that nothing is
// left behind however the process ends, and that is never synced.
func openMemory() (*bbolt.DB, error) {
	f, err := os.CreateTemp("", "mandate-table-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // on systems that keep open files' names it stays behind
	if err := f.Close(); err != nil {
		return nil, err
	}
	db, err := openBolt(f.Name(), bbolt.Options{NoSync: true, NoGrowSync: true, NoFreelistSync: true})
	if err != nil {
		return nil, err
	}
	if err := db.Update(prepare); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// create makes an empty table beside path and then gives it its name, so that a file by
// that name is always complete. Of two processes that do so at once one wins, and the
// other finds the file there.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // an empty table under a temporary name does no harm
	if err := f.Close(); err != nil {
		return err
	}
	db, err := openBolt(f.Name(), bbolt.Options{})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(prepare), db.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in the folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // G304: the operator's own folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func prepare(tx *bbolt.Tx) error {
	for _, name := range allBuckets {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	return tx.Bucket(bucketMeta).Put(keyFormat, []byte(format))
}

// openBolt opens a file with bbolt and gives its failures our names. bbolt maps the file
// and trusts it, so damage may show as a panic or as a fault of the memory behind the map.
// It then leaves the file mapped, and so locked until this process ends.
func openBolt(path string, o bbolt.Options) (db *bbolt.DB, err error) {
	o.Timeout, o.InitialMmapSize, o.FreelistType, o.NoStatistics = lockTimeout, mapped, bbolt.FreelistMapType, true
	err = recovering(func() error {
		var err error
		db, err = bbolt.Open(path, 0o600, &o)
		return err
	})
	var system *fs.PathError
	switch {
	case err == nil:
		return db, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case errors.As(err, &system):
		return nil, err
	}
	return nil, damaged("%w", err)
}

func damaged(f string, args ...any) error {
	return fmt.Errorf("%w: "+f, append([]any{ErrDamaged}, args...)...)
}

// recovering turns panics, and faults of mapped memory, into errors.
func recovering(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = damaged("%v", r)
		}
	}()
	return f()
}

// closeBolt closes a file and leaves the list of its free pages in it, so that the next to open
// it need not look for them. While the file is open no commit writes that list: it grows with
// all that was ever deleted, and every commit would grow with it. A process that was killed
// left no list, and the next looks through the file.
func closeBolt(db *bbolt.DB) error {
	return recovering(func() error {
		db.NoFreelistSync = false
		return errors.Join(db.Update(func(*bbolt.Tx) error { return nil }), db.Close())
	})
}

// check looks at the file before anything is written to it: its length, that it is a
// table of this format, and for at most checkFor that its pages hang together and its
// items and changes are as they were written.
func check(db *bbolt.DB, path string) error {
	return recovering(func() error {
		return db.View(func(tx *bbolt.Tx) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if info.Size() < tx.Size() {
				return damaged("%d bytes long, should be %d", info.Size(), tx.Size())
			}
			if err := checkCommits(path, db.Info().PageSize); err != nil {
				return err
			}
			meta := tx.Bucket(bucketMeta)
			if meta == nil {
				return ErrFormat
			}
			if found := meta.Get(keyFormat); string(found) != format {
				return fmt.Errorf("%w: it is %q, not %q", ErrFormat, found, format)
			}
			deadline := time.Now().Add(checkFor)
			for _, name := range allBuckets {
				b := tx.Bucket(name)
				if b == nil {
					return damaged("no bucket %s", name)
				}
				if err := checkBucket(b, name, deadline); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// checkCommits looks at the two pages in which bbolt notes, in turn, where the last commit
// is. When one is unreadable bbolt silently takes the other, and so the table as it was
// one commit ago: an acknowledged revocation would be undone. A crash cannot cause that,
// because what is noted fits into one sector, which disks write whole.
func checkCommits(path string, pageSize int) error {
	f, err := os.Open(path) //nolint:gosec // G304: the operator's own file
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	var commit [2]uint64
	for i := range commit {
		// After a page header of 16 bytes: 56 bytes that end with the number of the
		// commit, and their FNV-1a sum (bbolt internal/common/meta.go).
		var note [16 + 64]byte
		if _, err := f.ReadAt(note[:], int64(i)*int64(pageSize)); err != nil {
			return damaged("page %d: %w", i, err)
		}
		sum := fnv.New64a()
		sum.Write(note[16:72]) // a hash takes everything
		if sum.Sum64() != binary.NativeEndian.Uint64(note[72:]) {
			return damaged("page %d does not match its checksum", i)
		}
		commit[i] = binary.NativeEndian.Uint64(note[64:])
	}
	if commit[0]+1 != commit[1] && commit[1]+1 != commit[0] {
		return damaged("its last commits are %d and %d", commit[0], commit[1])
	}
	return nil
}

func checkBucket(b *bbolt.Bucket, name []byte, deadline time.Time) error {
	var before []byte
	n := 0
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		if before != nil && string(before) >= string(k) {
			return damaged("bucket %s is out of order at entry %d", name, n)
		}
		if string(name) == string(bucketItems) || string(name) == string(bucketLog) {
			if _, err := unseal(k, v); err != nil {
				return fmt.Errorf("bucket %s, entry %d: %w", name, n, err)
			}
		}
		before = k
		if n++; n%1024 == 0 && time.Now().After(deadline) {
			return nil
		}
	}
	return nil
}
