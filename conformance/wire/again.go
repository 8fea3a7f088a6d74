package wire

// Rejoin subscribes anew on every relay that the client had, as after their restart.
func (c *Client) Rejoin() error {
	links := c.Links
	c.Links = nil
	for _, l := range links {
		l.Close()
		if err := c.Join(l.URL); err != nil {
			return err
		}
	}
	return nil
}

// Seen returns how often an event came, over all relays.
func (c *Client) Seen(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[id]
}
