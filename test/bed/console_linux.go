package bed

// watch returns a channel that is closed when mark appears in what is written from now on.
func (c *console) watch(mark string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, '\n') // a mark of an earlier boot must not be completed by the first byte of this one
	c.mark, c.found = []byte(mark), make(chan struct{})
	return c.found
}
