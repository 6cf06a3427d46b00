package bulk

import (
	"context"
	"fmt"
	"slices"

	"mandate/shared/store"
)

// How far an import came is an item of the table that it goes into, by the digest of the
// file: the same file can go into another table from its beginning, and a file that was
// changed is another one.
const (
	attrLine    = "line"
	attrOffset  = "offset"
	attrMade    = "made"
	attrPresent = "present"
	attrRefused = "refused"
)

// where is the position that an earlier run came to.
func (o Options) where(ctx context.Context, s Survey) (position, Counts, error) {
	k := store.Import(s.Digest)
	items, err := o.Table.Read(ctx, k)
	if err != nil {
		return position{}, Counts{}, fmt.Errorf("look how far an earlier run came: %w", err)
	}
	i := items[k]
	at := position{i.Int(attrLine), i.Int(attrOffset)}
	return at, Counts{
		Lines: at.line, Made: i.Int(attrMade), Present: i.Int(attrPresent), Refused: i.Int(attrRefused), Resumed: at.line,
	}, nil
}

func (o Options) save(ctx context.Context, s Survey, at position, c Counts) error {
	err := o.Table.Write(ctx, store.NewRequestID(), store.Upsert(store.Import(s.Digest)).Set(store.AttrType, "import").
		Set(attrLine, at.line).Set(attrOffset, at.offset).
		Set(attrMade, c.Made).Set(attrPresent, c.Present).Set(attrRefused, c.Refused))
	if err != nil {
		return fmt.Errorf("keep how far the import came: %w", err)
	}
	return nil
}

// forget ends an import: the same file again begins at its beginning.
func (o Options) forget(ctx context.Context, s Survey) error {
	k := store.Import(s.Digest)
	items, err := o.Table.Read(ctx, k)
	if err == nil && items[k] != nil {
		err = o.Table.Write(ctx, store.NewRequestID(), store.Delete(k))
	}
	if err != nil {
		return fmt.Errorf("forget how far the import came: %w", err)
	}
	return nil
}

func byLine(r []Refusal) {
	slices.SortFunc(r, func(a, b Refusal) int { return int(a.Line - b.Line) })
}
