package doctor

// A Rule is a rule without its function.
type Rule struct {
	ID, Check string
	Explains  []string
}

// Rules returns all rules.
func Rules() (all []Rule) {
	for _, r := range rules {
		explains := r.explains
		if r.stops {
			explains = append(down[:], explains...)
		}
		all = append(all, Rule{r.id, r.check, explains})
	}
	return all
}
