package oauth1

import (
	"context"
	"fmt"
	"strings"

	"mandate/shared/directory"
	"mandate/shared/problem"
	"mandate/shared/secret"
	"mandate/shared/store"
)

// Consumer is a program that may ask for authority. It belongs to nobody and to no domain.
type Consumer struct {
	ID          string
	Description *string // nil: null
	Extra       []byte  // attributes that we keep without knowing them (directory.Merge)
}

// ConsumerFrom reads a consumer's item.
func ConsumerFrom(i store.Item) Consumer {
	c := Consumer{ID: i.Str(attrID), Extra: i.Bytes(attrExtra)}
	if i.Has(attrDescription) {
		d := i.Str(attrDescription)
		c.Description = &d
	}
	return c
}

// CreateConsumer keeps a new consumer and returns it with its secret, which is shown this once.
func (s *Service) CreateConsumer(ctx context.Context, c Consumer) (Consumer, secret.Text, error) {
	c.ID = newID()
	k, text := store.Consumer(c.ID), newSecret()
	sealed, err := s.seal(ctx, k, attrSecret, text)
	if err != nil {
		return Consumer{}, secret.Text{}, err
	}
	i := store.Item{store.AttrType: typeConsumer, attrID: c.ID, attrSecret: sealed, attrCreated: s.now().UnixMicro()}
	if c.Description != nil {
		i[attrDescription] = *c.Description
	}
	if len(c.Extra) > 0 {
		i[attrExtra] = c.Extra
	}
	listed := store.Item{store.AttrType: "consumer listed", attrID: c.ID}
	err = s.table.Write(ctx, store.NewRequestID(), store.Create(k, i), store.Create(store.ConsumerList(c.ID), listed))
	if err != nil {
		return Consumer{}, secret.Text{}, fmt.Errorf("store consumer %s: %w", c.ID, err)
	}
	return c, text, nil
}

// Consumer is a pass: the consumer; NotFound.
func (s *Service) Consumer(rs *store.ReadSet, id string) (Consumer, error) {
	i, err := rs.Get(store.Consumer(id))
	if err != nil {
		return Consumer{}, err
	}
	if i == nil {
		return Consumer{}, problem.NotFound("consumer", id)
	}
	return ConsumerFrom(i), nil
}

// Consumers lists all consumers by id.
func (s *Service) Consumers(ctx context.Context, rs *store.ReadSet) ([]Consumer, error) {
	var ids []string
	err := s.walk(ctx, store.Partition(store.ConsumerList("")), func(e store.Entry) error {
		ids = append(ids, e.Item.Str(attrID))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []Consumer
	err = rs.Settle(ctx, func() error {
		all = all[:0]
		for _, id := range ids {
			rs.Want(store.Consumer(id))
		}
		for _, id := range ids {
			i, err := rs.Get(store.Consumer(id))
			if err != nil {
				return err
			}
			if i != nil {
				all = append(all, ConsumerFrom(i))
			}
		}
		return nil
	})
	return all, err
}

// attempts bounds how often a change is made anew because another came between its read
// and its write.
const attempts = 5

// UpdateConsumer changes a consumer. Its secret stays.
func (s *Service) UpdateConsumer(ctx context.Context, rs *store.ReadSet, id string, edit func(*Consumer)) (Consumer, error) {
	k := store.Consumer(id)
	for range attempts {
		var c Consumer
		if err := rs.Settle(ctx, func() (err error) { c, err = s.Consumer(rs, id); return err }); err != nil {
			return Consumer{}, err
		}
		was := store.Absent(attrExtra)
		if len(c.Extra) > 0 {
			was = store.Equals(attrExtra, c.Extra)
		}
		edit(&c)
		var description, extra store.Value // nil takes the attribute away
		if c.Description != nil {
			description = *c.Description
		}
		if len(c.Extra) > 0 {
			extra = c.Extra
		}
		write := store.Update(k).Where(was).Set(attrDescription, description).Set(attrExtra, extra)
		err := s.table.Write(ctx, store.NewRequestID(), write)
		if _, refused := store.AsRefused(err); !refused {
			return c, err
		}
		rs.Forget(k)
	}
	return Consumer{}, fmt.Errorf("update consumer %s: %w", id, store.ErrContended)
}

// DeleteConsumer ends a consumer and, because they all read its item, its request tokens, its
// access tokens and everything obtained with them. It fails with NotFound.
func (s *Service) DeleteConsumer(ctx context.Context, id string) error {
	there, err := s.remove(ctx, store.Consumer(id), store.ConsumerList(id))
	if err == nil && !there {
		return problem.NotFound("consumer", id)
	}
	return err
}

// Extra lays unknown attributes over stored ones. Their names are kept as Keystone does, as
// names that Python allows (O-005).
func Extra(stored []byte, change directory.Extra) []byte {
	clean := make(directory.Extra, len(change))
	for name, v := range change {
		clean[strings.NewReplacer(":", "_", "-", "_").Replace(name)] = v
	}
	return directory.Merge(stored, clean, false)
}

// MaxDescription is the longest description, in characters.
const MaxDescription = 64
