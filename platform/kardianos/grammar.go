package kardianos

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// values are the values that a template may name. Each is a string or a []string.
type values map[string]any

// functions are the functions through which a value may be piped.
type functions map[string]func(string) string

// An element is a part of a template in the library's present grammar: text or an action.
type element struct {
	text   string // copied literally
	verb   string // "", "if" or "range"; "" with a key inserts its value
	key    string
	pipe   []string
	body   []element
	orElse []element
}

// A token is one action, with the text before it.
type token struct {
	before, action string
	last           bool // the rest of the text, without an action
}

var action = regexp.MustCompile(`(?s)\{\{(.*?)\}\}`)

// tokens splits a template, and applies the trim marks of its actions.
func tokens(text string) ([]token, error) {
	const blank = " \t\r\n"
	var all []token
	at, trim := 0, false
	before := func(end int) string {
		s := text[at:end]
		if trim {
			s = strings.TrimLeft(s, blank)
		}
		return s
	}
	for _, m := range action.FindAllStringSubmatchIndex(text, -1) {
		t := token{before: before(m[0]), action: text[m[2]:m[3]]}
		if rest, marked := strings.CutPrefix(t.action, "-"); marked {
			t.before, t.action = strings.TrimRight(t.before, blank), rest
		}
		t.action, trim = strings.CutSuffix(t.action, "-")
		t.action = strings.TrimSpace(t.action)
		all, at = append(all, t), m[1]
	}
	t := token{before: before(len(text)), last: true}
	if strings.Contains(text[at:], "{{") {
		return nil, errors.New(`an action "{{" has no end`)
	}
	return append(all, t), nil
}

// parse reads elements up to one of the ends. It returns that end, and the rest after it.
func parse(all []token, ends ...string) (elements []element, end string, rest []token, err error) {
	for len(all) > 0 {
		t := all[0]
		all = all[1:]
		elements = append(elements, element{text: t.before})
		if t.last {
			break
		}
		word := t.action
		if i := strings.IndexAny(word, " \t|"); i >= 0 {
			word = word[:i]
		}
		switch word {
		case "end", "else":
			if !slices.Contains(ends, word) {
				return nil, "", nil, fmt.Errorf("%q has no beginning", word)
			}
			return elements, word, all, nil
		case "if", "range":
			e := element{verb: word, key: strings.TrimSpace(t.action[len(word):])}
			ends := []string{"end", "else"}
			if word == "range" {
				ends = ends[:1]
			}
			if e.body, end, all, err = parse(all, ends...); err == nil && end == "else" {
				e.orElse, _, all, err = parse(all, "end")
			}
			if err != nil {
				return nil, "", nil, err
			}
			elements = append(elements, e)
		default:
			words := strings.Split(t.action, "|")
			e := element{key: strings.TrimSpace(words[0])}
			for _, f := range words[1:] {
				e.pipe = append(e.pipe, strings.TrimSpace(f))
			}
			elements = append(elements, e)
		}
	}
	return elements, "", nil, nil
}

// render renders a template in the library's present grammar.
func render(text string, v values, f functions) (string, error) {
	all, err := tokens(text)
	if err != nil {
		return "", err
	}
	elements, _, _, err := parse(all)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = execute(&out, elements, v, f)
	return out.String(), err
}

func execute(out *strings.Builder, all []element, v values, f functions) error {
	for _, e := range all {
		out.WriteString(e.text)
		if e.key == "" && e.verb == "" {
			continue
		}
		value, known := v[e.key]
		if !known {
			return fmt.Errorf("unknown template key %q", e.key)
		}
		single, isText := value.(string)
		list, isList := value.([]string)
		var err error
		switch {
		case e.verb == "if" && (single != "" || len(list) > 0):
			err = execute(out, e.body, v, f)
		case e.verb == "if":
			err = execute(out, e.orElse, v, f)
		case e.verb == "range" && !isList:
			err = fmt.Errorf("template key %q is not a list", e.key)
		case e.verb == "range":
			inner := v.with(".", "")
			for _, item := range list {
				inner["."] = item
				if err = execute(out, e.body, inner, f); err != nil {
					break
				}
			}
		case !isText:
			err = fmt.Errorf("template key %q is a list", e.key)
		default:
			for _, name := range e.pipe {
				apply, known := f[name]
				if !known {
					return fmt.Errorf("unknown template function %q", name)
				}
				single = apply(single)
			}
			out.WriteString(single)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v values) with(key string, value any) values {
	more := values{key: value}
	for k, old := range v {
		if k != key {
			more[k] = old
		}
	}
	return more
}
