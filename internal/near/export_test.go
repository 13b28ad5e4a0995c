package near

// Names is how many names lead to keys.
func Names[V any](c *Cache[V]) int {
	c.names.mu.Lock()
	defer c.names.mu.Unlock()
	return len(c.names.keys)
}
