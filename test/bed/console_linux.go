package bed

// watch returns a channel that is closed when mark appears in output from now on.
func (c *console) watch(mark string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, '\n') // output of an earlier boot must not be part of the mark
	c.mark, c.found = []byte(mark), make(chan struct{})
	return c.found
}
