package prove

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// violation is what a history did that it must not do.
type violation struct {
	kind string // of object; "refusal" where something died of nothing; "reply"
	text string
	of   *object // nil but for what porcupine found
}

// check holds a history to the property, object by object, and to its other direction.
func (h *history) check() *violation {
	if len(h.wrong) > 0 {
		return &violation{"reply", strings.Join(h.wrong, "\n"), nil}
	}
	h.settle()
	for _, o := range h.ends {
		if len(o.ops) == 0 {
			continue
		}
		switch porcupine.CheckOperationsTimeout(o.model, o.ops, time.Minute) {
		case porcupine.Ok:
		case porcupine.Unknown:
			return &violation{"undecided", fmt.Sprintf("%s %s: not decided in a minute", o.kind, o.name), o}
		default:
			return &violation{o.kind, fmt.Sprintf("%s %s: a token was seen alive, or issued, after what ended it was acknowledged", o.kind, o.name), o}
		}
	}
	for _, d := range h.doubts {
		if h.groundless(d) {
			return &violation{"refusal", d.what + " was refused, and nothing that could have ended it had begun", nil}
		}
	}
	return nil
}

// settle shares out what is known at the end only: which tokens the deletion of a group
// ends, and which validations it was checked against.
func (h *history) settle() {
	h.handle.settle()
	for _, e := range h.going.ends {
		for _, p := range h.passes {
			concerned := slices.Contains(h.going.members, p.subject) || p.other != nobody && slices.Contains(h.going.members, p.other)
			if !concerned || p.ret >= e.call {
				continue
			}
			for n, s := range p.seen {
				e.note(1000+n, alive, s[0], s[1])
			}
		}
	}
	for _, o := range h.ends {
		for _, k := range o.hurts {
			if k.cure {
				continue
			}
			for _, op := range o.ops {
				if op.Call < k.ret && k.call < op.Return {
					h.counts.over++
				}
			}
			h.counts.over-- // itself
		}
	}
}

func (h *history) groundless(d doubt) bool {
	for _, o := range d.on {
		if !o.sound(d.call, d.ret) {
			return false
		}
	}
	for _, n := range d.people {
		if !h.people[n].sound(d.call, d.ret) {
			return false
		}
		for _, g := range h.people[n].groups {
			if slices.ContainsFunc(g.ends, func(e ending) bool { return e.call < d.ret }) {
				return false
			}
		}
	}
	return true
}

// dump writes a history for people: what each client did, and for the object that is
// wrong, porcupine's own picture.
func (h *history) dump(v *violation) string {
	folder, err := os.MkdirTemp("", "prove-*")
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "history %d: %s\n%s\n\n", h.seed, v.kind, v.text)
	fmt.Fprintf(&b, "weather: %+v\n\n", h.weather)
	slices.SortFunc(h.lines, func(a, b line) int { return int(a.call - b.call) })
	for _, l := range h.lines {
		fmt.Fprintf(&b, "%12.3f %12.3f ms  client %2d  %d  %s\n", ms(l.call), ms(l.ret), l.client, l.status, l.text)
	}
	if v.of != nil {
		fmt.Fprintf(&b, "\n%s %s:\n", v.of.kind, v.of.name)
		slices.SortFunc(v.of.ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, op := range v.of.ops {
			fmt.Fprintf(&b, "%12.3f %12.3f ms  client %2d  %s\n", ms(op.Call), ms(op.Return), op.ClientId, v.of.model.DescribeOperation(op.Input, nil))
		}
		_, info := porcupine.CheckOperationsVerbose(v.of.model, v.of.ops, time.Minute)
		if err := porcupine.VisualizePath(v.of.model, info, filepath.Join(folder, "object.html")); err != nil {
			fmt.Fprintln(&b, err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "history.txt"), []byte(b.String()), 0o600); err != nil {
		return err.Error()
	}
	return folder
}

func ms(t int64) float64 { return float64(t) / 1e6 }
