package cli

import "strings"

// around is the number of equal lines that are shown before and after a change.
const around = 2

// difference describes line by line how the text before becomes the text after. "-" marks a
// removed line, "+" an added one, and " " an unchanged one. Unchanged lines are only included
// near others. The result is empty if the texts are equal. The time is proportional to the
// product of both lengths, which is fine because definitions have only tens of lines.
func difference(before, after string) []string {
	a, b := lines(before), lines(after)
	// common[i][j] is the length of the longest common subsequence of the rests from i and j.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var all []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, " "+a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			all = append(all, "-"+a[i])
			i++
		default:
			all = append(all, "+"+b[j])
			j++
		}
	}
	return nearChanges(all)
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// nearChanges replaces lines that are far from any change by a short text.
func nearChanges(all []string) []string {
	near := make([]bool, len(all))
	for i, line := range all {
		if line[0] == ' ' {
			continue
		}
		for k := max(0, i-around); k <= min(len(all)-1, i+around); k++ {
			near[k] = true
		}
	}
	var shown []string
	gap := false
	for i, line := range all {
		if !near[i] {
			gap = true
			continue
		}
		if gap && len(shown) > 0 {
			shown = append(shown, "...")
		}
		gap = false
		shown = append(shown, line)
	}
	return shown
}
