package embedded

import (
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"mandate/shared/store"
)

// Request ids are kept in a bucket per period, and a whole bucket is dropped at a time,
// so that an id is known for one to two periods after its write. DynamoDB keeps a client
// token for ten minutes.
const requestPeriod = 10 * time.Minute

// repeated reports whether this very write has already been made.
func (g *group) repeated(id store.RequestID, sum []byte) (bool, error) {
	if g.periods == nil {
		if err := g.loadPeriods(); err != nil {
			return false, err
		}
	}
	for _, b := range g.periods {
		if found := b.Get([]byte(id)); found != nil {
			if string(found) != string(sum) {
				return false, fmt.Errorf("%w: request id %s was used for another write", store.ErrInvalid, id)
			}
			return true, nil
		}
	}
	return false, nil
}

func (g *group) remember(id store.RequestID, sum []byte) error {
	return g.periods[len(g.periods)-1].Put([]byte(id), sum)
}

// loadPeriods opens the buckets of all periods, the current one last, dropping those that
// are over. What that changes is committed with the next write.
func (g *group) loadPeriods() error {
	requests := g.tx.Bucket(bucketRequests)
	now := g.at.Truncate(requestPeriod).Unix()
	current := sequenceBytes(uint64(now)) //nolint:gosec // G115: after 1970
	oldest := now - int64(requestPeriod/time.Second)
	var over, kept [][]byte
	c := requests.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		switch start := int64(binary.BigEndian.Uint64(k)); { //nolint:gosec // G115: as written
		case start < oldest:
			over = append(over, k)
		case string(k) != string(current):
			kept = append(kept, k)
		}
	}
	for _, k := range over {
		if err := requests.DeleteBucket(k); err != nil {
			return err
		}
	}
	g.periods = make([]*bbolt.Bucket, 0, len(kept)+1)
	for _, k := range kept {
		g.periods = append(g.periods, requests.Bucket(k))
	}
	b, err := requests.CreateBucketIfNotExists(current)
	if err != nil {
		return err
	}
	g.periods = append(g.periods, b)
	return nil
}
