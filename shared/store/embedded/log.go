package embedded

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

// keepLog is how long a change is kept for readers that do not come. DynamoDB keeps its
// stream as long.
const keepLog = 24 * time.Hour

// maxChanges bounds what one call of Changes returns.
const maxChanges = 1000

// A change as it stands in the log: checksum | microseconds | this in CBOR.
type change struct {
	_        struct{} `cbor:",toarray"`
	Key      []byte
	Old, New []byte // items in CBOR, empty when absent
	Expired  bool
}

func (c change) bytes(sequence uint64, at time.Time) ([]byte, error) {
	body, err := encoder.Marshal(c)
	if err != nil {
		return nil, err
	}
	return seal(sequenceBytes(sequence), append(sequenceBytes(uint64(at.UnixMicro())), body...)), nil
}

func changeFrom(key, sealed []byte) (c change, at time.Time, err error) {
	at, body, err := loggedAt(key, sealed)
	if err != nil {
		return change{}, time.Time{}, err
	}
	if err := decoder.Unmarshal(body, &c); err != nil {
		return change{}, time.Time{}, damaged("change: %w", err)
	}
	return c, at, nil
}

// loggedAt is when a change was logged; what it was stays in CBOR.
func loggedAt(key, sealed []byte) (at time.Time, body []byte, err error) {
	value, err := unseal(key, sealed)
	if err != nil {
		return time.Time{}, nil, err
	}
	if len(value) < 8 {
		return time.Time{}, nil, damaged("change of %d bytes", len(value))
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(value))), value[8:], nil //nolint:gosec // G115: as written
}

func (c change) items() (before, after store.Item, err error) {
	if len(c.Old) > 0 {
		if before, err = decodeItem(c.Old); err != nil {
			return nil, nil, err
		}
	}
	if len(c.New) > 0 {
		if after, err = decodeItem(c.New); err != nil {
			return nil, nil, err
		}
	}
	return before, after, nil
}

// Positions are sequences in as many digits as the largest has, so that they sort.

func positionText(sequence uint64) string { return fmt.Sprintf("%020d", sequence) }

func sequenceOf(position string) (uint64, error) {
	if position == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(position, 10, 64)
	if err != nil || positionText(n) != position {
		return 0, fmt.Errorf("%w: position %q", store.ErrInvalid, position)
	}
	return n, nil
}

// Changes implements [store.Log]. A limit of 0, or over 1000, is 1000.
func (t *Table) Changes(ctx context.Context, after string, limit int) ([]store.Change, error) {
	sequence, err := sequenceOf(after)
	if err != nil {
		return nil, err
	}
	if limit <= 0 || limit > maxChanges {
		limit = maxChanges
	}
	var changes []store.Change
	err = t.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketLog).Cursor()
		for k, v := c.Seek(sequenceBytes(sequence + 1)); k != nil && len(changes) < limit; k, v = c.Next() {
			yield()
			ch, at, err := changeFrom(k, v)
			if err != nil {
				return err
			}
			out := store.Change{Position: positionText(binary.BigEndian.Uint64(k)), At: at, Expired: ch.Expired}
			if out.Key, err = keyFrom(ch.Key); err != nil {
				return err
			}
			if out.Old, out.New, err = ch.items(); err != nil {
				return err
			}
			changes = append(changes, out)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("changes after %q: %w", after, err)
	}
	return changes, nil
}

// Position implements [store.Log].
func (t *Table) Position(ctx context.Context, reader string) (string, error) {
	var position string
	err := t.view(ctx, func(tx *bbolt.Tx) error {
		position = string(tx.Bucket(bucketReaders).Get([]byte(reader)))
		return nil
	})
	return position, err
}

// Acknowledge implements [store.Log]. Acknowledging "" makes a reader known, so that the
// log keeps what it has not seen.
func (t *Table) Acknowledge(ctx context.Context, reader, position string) error {
	if reader == "" {
		return fmt.Errorf("%w: reader without a name", store.ErrInvalid)
	}
	if _, err := sequenceOf(position); err != nil {
		return err
	}
	return t.submit(ctx, func(g *group) error {
		g.changed = true
		return g.tx.Bucket(bucketReaders).Put([]byte(reader), []byte(position))
	})
}

// Wait implements [store.Log].
func (t *Table) Wait(ctx context.Context, after string) error {
	sequence, err := sequenceOf(after)
	if err != nil {
		return err
	}
	for {
		rung := t.wake.wait() // before looking, so that nothing is missed in between
		if t.last.Load() > sequence {
			return nil
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return ctx.Err()
		case <-t.quit:
			return unavailable(errClosed)
		}
	}
}

// lastLogged is the sequence of the last change in the log, 0 when there is none.
func (t *Table) lastLogged() (last uint64, err error) {
	err = t.db.View(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket(bucketLog).Cursor().Last(); k != nil {
			last = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return last, err
}

// trim forgets up to limit changes that all readers have acknowledged or that are older
// than keepLog, and reports how many. A late index still needs those of its delay.
func (g *group) trim(limit int) (int, error) {
	acknowledged, err := g.acknowledged()
	if err != nil {
		return 0, err
	}
	var gone [][]byte
	c := g.log.Cursor()
	for k, v := c.First(); k != nil && len(gone) < limit; k, v = c.Next() {
		at, _, err := loggedAt(k, v)
		if err != nil {
			return 0, err
		}
		age := g.at.Sub(at)
		if age <= g.t.delay || age <= keepLog && binary.BigEndian.Uint64(k) > acknowledged {
			break
		}
		gone = append(gone, append([]byte(nil), k...))
	}
	for _, k := range gone {
		yield()
		g.changed = true
		if err := g.log.Delete(k); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

// acknowledged is the lowest position of all readers, 0 when there are none.
func (g *group) acknowledged() (uint64, error) {
	var lowest uint64
	first := true
	err := g.tx.Bucket(bucketReaders).ForEach(func(_, position []byte) error {
		n, err := sequenceOf(string(position))
		if err != nil {
			return damaged("%w", err)
		}
		if first || n < lowest {
			lowest, first = n, false
		}
		return nil
	})
	return lowest, err
}
