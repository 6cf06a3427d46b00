package bulk

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"mandate/shared/problem"
)

// MaxLine is how long a line may be, in bytes: as long as an item of the table.
const MaxLine = 400_000

// Survey is what is known of a file before it is imported.
type Survey struct {
	Digest string // of its content: what an interrupted import is found again by
	Lines  int64
	Bytes  int64
}

// Look reads a file once from its beginning.
func Look(f io.ReadSeeker) (Survey, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Survey{}, fmt.Errorf("go to the beginning: %w", err)
	}
	sum, s := sha256.New(), Survey{}
	buffer, last := make([]byte, 1<<16), byte('\n')
	for {
		n, err := f.Read(buffer)
		for _, b := range buffer[:n] {
			if b == '\n' {
				s.Lines++
			}
			last = b
		}
		_, _ = sum.Write(buffer[:n]) // a hash takes everything
		s.Bytes += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Survey{}, fmt.Errorf("read the file: %w", err)
		}
	}
	if last != '\n' {
		s.Lines++
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// lines reads a file line by line and knows where it is.
type lines struct {
	r      *bufio.Reader
	number int64 // of the line read last, from 1
	offset int64 // of its end
	buffer []byte
}

var errTooLong = problem.Invalid("the line", fmt.Sprintf("must not be longer than %d bytes", MaxLine))

// next returns a line without its end, io.EOF after the last. A line that is too long is
// a problem, and the next one can be read. The bytes are good until the next call.
func (l *lines) next() ([]byte, error) {
	l.buffer = l.buffer[:0]
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		l.offset += int64(len(part))
		if long = long || len(l.buffer)+len(part) > MaxLine; !long {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read line %d: %w", l.number+1, err)
		case err != nil && len(l.buffer) == 0 && !long:
			return nil, io.EOF
		}
		l.number++
		if long {
			return nil, errTooLong
		}
		return l.buffer, nil
	}
}
