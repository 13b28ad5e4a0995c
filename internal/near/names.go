package near

import "sync"

// names tells which key a feed's name leads to. Safe for concurrent use.
type names struct {
	mu   sync.Mutex
	keys map[string]string
}

// put makes name lead to key and returns where it led before.
func (n *names) put(name, key string) (before string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before, ok = n.keys[name]
	n.keys[name] = key
	return before, ok
}

func (n *names) key(name string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key, ok := n.keys[name]
	return key, ok
}

// remove forgets name, if it leads to key.
func (n *names) remove(name, key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.keys[name] == key {
		delete(n.keys, name)
	}
}
