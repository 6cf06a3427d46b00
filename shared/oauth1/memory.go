package oauth1

import "sync"

// memory remembers who is in access tokens: a request names the access token only, so
// without it the items of user, project and consumer would come in a second trip, every
// time. It says what to read first and decides nothing.
type memory struct {
	mu         sync.Mutex
	young, old map[string]parties
}

type parties struct{ userID, projectID, consumerID string }

// generation is how many access tokens are remembered at least; twice as many at most.
const generation = 4096

func (m *memory) recall(id string) (parties, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.young[id]; ok {
		return p, true
	}
	p, ok := m.old[id]
	return p, ok
}

func (m *memory) keep(id string, p parties) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young[id] == p {
		return
	}
	if m.young == nil || len(m.young) >= generation {
		m.old, m.young = m.young, make(map[string]parties, 64)
	}
	m.young[id] = p
}
