package trust

import "sync"

// memory remembers trusts that were read lately, for their parts that never change: who
// is in them and what they are about. A trust is asked for by its id alone, so without it
// their items would come in a second trip, every time. It says what to read first and
// decides nothing: what is read decides.
type memory struct {
	mu         sync.Mutex
	young, old map[string]Trust
}

// generation is how many trusts are remembered at least; twice as many at most.
const generation = 4096

func (m *memory) recall(id string) (Trust, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t, ok := m.young[id]; ok {
		return t, true
	}
	t, ok := m.old[id]
	return t, ok
}

func (m *memory) keep(t Trust) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young == nil || len(m.young) >= generation {
		m.old, m.young = m.young, make(map[string]Trust, 64)
	}
	m.young[t.ID] = t
}
