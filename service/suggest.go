package service

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// mostTypos limits the letters that may be wrong, missing, extra or swapped in a misspelt key.
const mostTypos = 2

// suggest returns a hint about an unknown key of a table that is decoded into t. It is "is it
// misspelt?" if no known key is similar.
func suggest(key toml.Key, t reflect.Type) string {
	if near := nearest(key[len(key)-1], keysOf(t, key[1:len(key)-1])); near != "" {
		return didYouMean(near)
	}
	return misplaced(key, t)
}

// misplaced is suggest for a key that may be correct but in the wrong table.
func misplaced(key toml.Key, t reflect.Type) string {
	elsewhere := ""
	eachKey(reflect.Zero(indirectType(t)), "", func(name string, _ reflect.StructField, _ reflect.Value) {
		if elsewhere == "" && name[strings.LastIndexByte(name, '.')+1:] == key[len(key)-1] {
			elsewhere = key[0] + "." + name
		}
	})
	if elsewhere != "" {
		return didYouMean(elsewhere)
	}
	return "is it misspelt?"
}

func didYouMean(what string) string { return fmt.Sprintf("did you mean %q?", what) }

// keysOf returns the names in a table that path leads to from a table that is decoded into t,
// or nil if there is no such table.
func keysOf(t reflect.Type, path []string) []string {
	t = indirectType(t)
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		field := t.Field(i)
		if embedded(field) {
			within := keysOf(field.Type, path)
			if len(path) > 0 && within != nil {
				return within
			}
			names = append(names, within...)
			continue
		}
		name := keyName(field)
		if name == "" {
			continue
		}
		if len(path) > 0 && strings.EqualFold(name, path[0]) {
			return keysOf(field.Type, path[1:])
		}
		names = append(names, name)
	}
	if len(path) > 0 {
		return nil
	}
	return names
}

// indirectType returns the type that a table is decoded into. Tables may be elements of
// arrays.
func indirectType(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	return t
}

// nearest returns the name that is most similar to word, or "" if none is similar.
func nearest(word string, names []string) string {
	best, fewest := "", min(mostTypos, len(word)/2)+1
	for _, name := range slices.Sorted(slices.Values(names)) {
		if n := typos(strings.ToLower(word), strings.ToLower(name)); n < fewest {
			best, fewest = name, n
		}
	}
	return best
}

// typos returns the number of letters to insert, delete, replace or swap with the next one to
// turn a into b (optimal string alignment).
func typos(a, b string) int {
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			changed := row[j]
			if a[i] != b[j] {
				changed++
			}
			next[j+1] = min(changed, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
