package prove

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/anishathalye/porcupine"
)

// An object is one thing that can end tokens, with what happened to it and what was seen
// of it: a history of its own for porcupine.
type object struct {
	name  string
	kind  string // for counting: "trust", "grant", …
	model porcupine.Model
	hurts []hurt // what was begun against it, for the other direction
	ops   []porcupine.Operation
}

// A hurt is an act that may end tokens which stand on an object, and when it ran. A cure
// takes it back.
type hurt struct {
	call, ret int64 // ret is never when what became of it is not known
	cure      bool
}

// never is after everything.
const never = math.MaxInt64

// A switch is on or off. Kills turn it off, revivals on again; a token that is seen alive
// has seen it on. That a token is seen dead says nothing: it may have died of anything.
type turn string

const (
	kill   turn = "kill"
	revive turn = "revive"
	alive  turn = "alive"
)

var switchModel = porcupine.Model{
	Init: func() any { return true },
	Step: func(state, input, _ any) (bool, any) {
		switch input.(turn) {
		case kill:
			return true, false
		case revive:
			return true, true
		default:
			return state.(bool), state
		}
	},
	DescribeOperation: func(input, _ any) string { return string(input.(turn)) },
	DescribeState: func(state any) string {
		if state.(bool) {
			return "on"
		}
		return "off"
	},
}

// A standing is a user's item as far as tokens go: whether she is enabled, which password
// is hers, whether she belongs to the group that people leave and join, and which tokens
// no kill of hers came after.
type standing struct {
	gone, off, out bool
	password       int
	live           uint64 // a bit for each token
}

// deed is what happens to a standing.
type deed struct {
	verb     string
	password int // the new one, or the one shown; anyPassword where none is
	old      int // that a change showed; anyPassword
	token    int // issued or seen alive; noToken
	parent   int // from which it was derived; noToken
	member   bool
}

const (
	anyPassword = -1
	noToken     = -1
)

func (d deed) String() string {
	s := d.verb
	if d.password != anyPassword {
		s += fmt.Sprintf(" password %d", d.password)
	}
	if d.token != noToken {
		s += fmt.Sprintf(" T%d", d.token)
	}
	if d.parent != noToken {
		s += fmt.Sprintf(" from T%d", d.parent)
	}
	return s
}

func bit(token int) uint64 { return 1 << token }

// step is one act upon a standing: false when it could not have been so.
func (s standing) step(d deed) (standing, bool) {
	switch d.verb {
	case "disable":
		s.off, s.live = true, 0
	case "enable":
		s.off = false
	case "change":
		fits := d.old == anyPassword || d.old == s.password
		s.password, s.live = d.password, 0
		return s, fits
	case "end all":
		s.live = 0
	case "leave":
		s.out, s.live = true, 0
	case "join":
		s.out = false
	case "delete":
		s.gone, s.live = true, 0
	case "issue":
		fits := d.password == anyPassword || d.password == s.password
		parent := d.parent == noToken || s.live&bit(d.parent) != 0
		s.live |= bit(d.token)
		return s, s.up(d) && fits && parent
	case "alive":
		return s, s.up(d) && (d.token == noToken || s.live&bit(d.token) != 0)
	default:
		panic("no such deed: " + d.verb)
	}
	return s, true
}

func (s standing) up(d deed) bool { return !s.gone && !s.off && (!d.member || !s.out) }

var userModel = porcupine.Model{
	Init: func() any { return standing{} },
	Step: func(state, input, _ any) (bool, any) {
		after, ok := state.(standing).step(input.(deed))
		return ok, after
	},
	DescribeOperation: func(input, _ any) string { return input.(deed).String() },
	DescribeState: func(state any) string {
		s := state.(standing)
		return fmt.Sprintf("gone %v, disabled %v, left %v, password %d, %d tokens", s.gone, s.off, s.out, s.password, bits.OnesCount64(s.live))
	},
}

// note puts an act into an object's history.
func (o *object) note(client int, input any, call, ret int64) {
	o.ops = append(o.ops, porcupine.Operation{ClientId: client, Input: input, Call: call, Return: ret})
	switch in := input.(type) {
	case turn:
		if in != alive {
			o.hurts = append(o.hurts, hurt{call, ret, in == revive})
		}
	case place:
		if in.verb != "alive" {
			o.hurts = append(o.hurts, hurt{call, ret, false})
		}
	case deed:
		switch in.verb {
		case "issue", "alive", "enable", "join":
		default:
			o.hurts = append(o.hurts, hurt{call, ret, false})
		}
	}
}

// sound reports whether nothing could have ended a token by this object while something
// ran: every kill begun before its end was taken back before its start.
func (o *object) sound(call, ret int64) bool {
	for _, k := range o.hurts {
		if k.cure || k.call >= ret {
			continue
		}
		cured := false
		for _, c := range o.hurts {
			if c.cure && c.call > k.ret && c.ret < call {
				cured = true
			}
		}
		if !cured {
			return false
		}
	}
	return true
}
