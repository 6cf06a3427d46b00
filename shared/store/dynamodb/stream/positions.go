package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// ended is the position of a reader that is through with a shard.
const ended = "end"

// Positions says how far each reader came in each shard. It is kept in a file beside the
// other data and not in the table, where every note of it would be a change to be read.
type Positions struct {
	path string

	mu sync.Mutex
	at map[string]map[string]string // by reader and shard
}

// OpenPositions reads positions from a file, which need not be there; with no path they are
// kept in memory.
func OpenPositions(path string) (*Positions, error) {
	p := &Positions{path: path, at: map[string]map[string]string{}}
	if path == "" {
		return p, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // G304: the operator's own file
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &p.at)
	}
	if err != nil {
		return nil, fmt.Errorf("positions in the stream: %w", err)
	}
	return p, nil
}

// knows reports whether a reader has begun.
func (p *Positions) knows(reader string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[reader] != nil
}

func (p *Positions) get(reader, shard string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[reader][shard]
}

// put keeps a position. What a crash takes back is read again.
func (p *Positions) put(reader, shard, position string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at[reader] == nil {
		p.at[reader] = map[string]string{}
	}
	if shard != "" {
		p.at[reader][shard] = position
	}
	if p.path == "" {
		return nil
	}
	text, err := json.Marshal(p.at)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(p.path), filepath.Base(p.path)+".new-*")
	if err != nil {
		return fmt.Errorf("keep positions in the stream: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has its name by then, or is of no use
	if _, err := f.Write(text); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("keep positions in the stream: %w", err)
	}
	return os.Rename(f.Name(), p.path)
}
