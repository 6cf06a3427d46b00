package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// MasterKey is a [Wrapper] for machines without KMS: a key in memory or in a file that
// nobody but its owner can read. It prints nothing of itself.
type MasterKey struct {
	handle *keyset.Handle
	aead   tink.AEAD
}

// NewMasterKey makes a key that is in memory only, for a table that is in memory too.
func NewMasterKey() (*MasterKey, error) {
	handle, err := keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make a master key: %w", err)
	}
	return masterKey(handle)
}

func masterKey(handle *keyset.Handle) (*MasterKey, error) {
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return &MasterKey{handle, a}, nil
}

// OpenMasterKey reads the key in a file, which is a Tink keyset in binary form; when there
// is no file, it makes one (mode 0600). A file that others may read is refused: whoever
// could read it must be taken to have done so.
func OpenMasterKey(path string) (*MasterKey, error) {
	k, err := readMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createMasterKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create master key file %s: %w", path, err)
	}
	return readMasterKey(path)
}

func readMasterKey(path string) (*MasterKey, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return nil, fmt.Errorf("open master key file: %w", err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("master key file: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("master key file %s is open to others than its owner (%s): its mode must be 0600", path, mode)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(f))
	if err != nil {
		return nil, fmt.Errorf("master key file %s is damaged: %w", path, err)
	}
	return masterKey(handle)
}

// createMasterKey writes a new key beside the path and links it there, so that the file
// is whole whenever it exists, and the first of several that start at once wins.
func createMasterKey(path string) error {
	k, err := NewMasterKey()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewBinaryWriter(&b)); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a left-over is of no use to anybody else
	_, err = f.Write(b.Bytes())
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the name itself must outlive a power cut
}

// Wrap encrypts with the master key.
func (k *MasterKey) Wrap(_ context.Context, plain, associated []byte) ([]byte, error) {
	return k.aead.Encrypt(plain, associated)
}

// Unwrap decrypts with the master key.
func (k *MasterKey) Unwrap(_ context.Context, wrapped, associated []byte) ([]byte, error) {
	return k.aead.Decrypt(wrapped, associated)
}

// String redacts.
func (*MasterKey) String() string { return redacted }
