package doctor

// Rule is what a rule is besides its judgement.
type Rule struct {
	ID, Check string
	Explains  []string
}

// Rules are all of them.
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
