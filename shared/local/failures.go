package local

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

// Failure says which records of the stream were given up: where they stand, not what was
// in them.
type Failure struct {
	Reader    string    `json:"reader"`
	Shard     string    `json:"shard,omitempty"`
	Condition string    `json:"condition"` // RetryAttemptsExhausted or RecordAgeExceeded
	Calls     int       `json:"calls"`     // how often the last batch with them was tried
	First     string    `json:"first"`     // sequence numbers
	Last      string    `json:"last"`
	Records   int       `json:"records"`
	FirstAt   time.Time `json:"first_at"` // when they were written
	LastAt    time.Time `json:"last_at"`
	At        time.Time `json:"at"`
}

// Failures is the local failure queue: a file with a line of JSON for each [Failure]. It
// grows until an operator takes lines away.
type Failures struct {
	Path string

	mu sync.Mutex
}

// Keep adds a line, which is on the disk when it returns.
func (q *Failures) Keep(f Failure) error {
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	file, err := os.OpenFile(q.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Sync(); err != nil {
		_ = file.Close()
		return fmt.Errorf("sync %s: %w", q.Path, err)
	}
	return file.Close()
}
