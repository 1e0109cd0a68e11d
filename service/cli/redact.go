package cli

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/holdfast-dev/holdfast/platform"
)

// struck replaces a secret.
const struck = "(struck out)"

// A redactor removes what may be secret: known secret values, in all positions and quotings,
// and text that looks like a secret. It prefers to remove too much.
type redactor struct {
	known    *strings.Replacer
	patterns []pattern
}

type pattern struct {
	find *regexp.Regexp
	with string
}

// shortest is the length from which a value is removed everywhere. A value like "1" would
// remove too much.
const shortest = 4

// newRedactor returns a redactor that knows these secrets.
func newRedactor(secrets []string) *redactor {
	forms := map[string]bool{}
	for _, s := range secrets {
		s = strings.TrimSpace(s)
		for line := range strings.Lines(s) { // a log or definition may have a single line of it
			secrets = append(secrets, strings.TrimSpace(line))
		}
	}
	for _, s := range secrets {
		if len(s) >= shortest && s != struck {
			for _, form := range quotings(s) {
				forms[form] = true
			}
		}
	}
	var pairs []string
	for _, form := range slices.SortedFunc(maps.Keys(forms), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	}) {
		pairs = append(pairs, form, struck)
	}
	value := `("(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[^\s"'][^\s,;&}\]]*)`
	p := func(find, with string) pattern { return pattern{regexp.MustCompile(find), with} }
	return &redactor{known: strings.NewReplacer(pairs...), patterns: []pattern{
		p(`(?s)-----BEGIN [A-Z0-9 ]*(?:PRIVATE KEY|SECRET)[A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|$)`, struck),
		p(`(?m)^[A-Za-z0-9+/]{60,76}={0,2}$`, struck), // of a key whose first lines are missing
		// The whole environment in a definition.
		p(`(?m)^(\s*Environment=)(?:\\\r?\n|[^\n])*$`, "${1}"+struck),
		p(`(?m)^(\s*(?:export|declare -x|setenv)\s+[A-Za-z_][A-Za-z0-9_]*[= ]).*$`, "${1}"+struck),
		p(`(?s)(<key>EnvironmentVariables</key>\s*)<dict>.*?</dict>`, "${1}<!-- "+struck+" -->"),
		p(`(?m)^(\s*env(?:ironment)?\s*=\s*).*$`, "${1}"+struck),
		p(`(?i)([a-z][a-z0-9+.-]*://)[^\s"'<>]*@`, "${1}"+struck+"@"),
		p(`(?i)\b((?:proxy-)?authorization["']?\s*[:=]\s*).*`, "${1}"+struck),
		p(`(?i)\b(bearer|basic|digest|negotiate)\s+[a-z0-9._~+/=-]{6,}`, "${1} "+struck),
		p(`(?i)((?:^|[\s"'])--?[a-z0-9_.-]*(?:`+platform.SecretWord+`)[a-z0-9_.-]*["']?(?:\s*,)?\s+)`+value, "${1}"+struck),
		p(`(?i)([a-z0-9_.-]*(?:`+platform.SecretWord+`)[a-z0-9_.-]*["']?\]?\s*(?:=|:|=>)\s*)`+value, "${1}"+struck),
		p(`(?i)([?&](?:sig|key|code)=)[^\s&"'<>]+`, "${1}"+struck),           // of a URL
		p(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*`, struck), // JSON web tokens
		p(`\b(?:AKIA|ASIA)[A-Z0-9]{12,}`, struck),
		p(`\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|sk_live_|rk_live_|AIza|ya29\.)[A-Za-z0-9_-]{8,}`, struck),
		p(`(?i)(https?://hooks\.[^\s/"']+/)[^\s"']+`, "${1}"+struck),
	}}
}

// quotings returns the forms in which a value may occur.
func quotings(s string) []string {
	all := []string{s, strings.Trim(strconv.Quote(s), `"`), strings.Trim(strconv.QuoteToASCII(s), `"`), url.QueryEscape(s), url.PathEscape(s)}
	if b, err := json.Marshal(s); err == nil {
		all = append(all, strings.Trim(string(b), `"`))
	}
	var x strings.Builder
	if xml.EscapeText(&x, []byte(s)) == nil {
		all = append(all, x.String())
	}
	plainXML := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	systemd := strings.NewReplacer(`%`, `%%`, `$`, `$$`, `\`, `\\`, `"`, `\"`).Replace(s)
	all = append(all, plainXML, systemd, strings.ReplaceAll(s, `%`, `%%`), strings.ReplaceAll(s, `'`, `'\''`), strings.ReplaceAll(s, `"`, `\"`),
		base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte(s)), fmt.Sprintf("%x", s))
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < shortest })
}

// text returns s without secrets.
func (r *redactor) text(s string) string {
	s = r.known.Replace(s)
	for _, p := range r.patterns {
		s = p.find.ReplaceAllString(s, p.with)
	}
	return s
}

// json returns v as JSON in which every text is without secrets. Under a key for a secret or
// an environment, everything is removed.
func (r *redactor) json(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return nil, err
	}
	return json.MarshalIndent(r.tree(tree), "", "  ")
}

func (r *redactor) tree(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		secret, key := false, false // secret: after a flag; key: between the first and last line of a key
		for i, x := range v {
			s, isText := x.(string)
			switch begins, ends := strings.Contains(s, "-----BEGIN "), strings.Contains(s, "-----END "); {
			case isText && (key || begins || secret && !strings.HasPrefix(s, "-")):
				v[i], key = struck, (key || begins) && !ends
			default:
				v[i] = r.tree(x)
			}
			secret = isText && strings.HasPrefix(s, "-") && !strings.Contains(s, "=") && secretName(s)
		}
		return v
	case map[string]any:
		clean := map[string]any{}
		for key, x := range v {
			if secretName(key) {
				x = strike(x)
			} else {
				x = r.tree(x)
			}
			clean[r.text(key)] = x
		}
		return clean
	}
	return v
}

// strike removes everything from v but its shape.
func strike(v any) any {
	switch v := v.(type) {
	case map[string]any:
		clean := map[string]any{}
		for key, x := range v {
			clean[key] = strike(x)
		}
		return clean
	case bool, nil:
		return v
	case string:
		if v == "" {
			return v
		}
	}
	return struck
}

// secretName reports whether a key, flag or variable of that name has a secret value, or
// contains environment variables.
func secretName(name string) bool {
	switch strings.ToLower(name) {
	case "env", "environment", "environmentvariables":
		return true
	}
	return platform.SecretName(name)
}

// secretsOf returns the values in a configuration that may be secret: the whole environment,
// and the values of keys and flags with such names.
func secretsOf(text string) []string {
	var doc map[string]any
	var found []string
	if _, err := toml.Decode(text, &doc); err != nil {
		for _, line := range sketch(text) {
			found = append(found, line.value)
		}
		return found
	}
	var walk func(v any, secret bool)
	walk = func(v any, secret bool) {
		switch v := v.(type) {
		case string:
			if secret {
				found = append(found, v)
			}
		case []any:
			for i, x := range v {
				before := ""
				if i > 0 {
					before, _ = v[i-1].(string)
				}
				walk(x, secret || strings.HasPrefix(before, "-") && secretName(before))
			}
		case []map[string]any:
			for _, x := range v {
				walk(x, secret)
			}
		case map[string]any:
			for key, x := range v {
				walk(x, secret || secretName(key))
			}
		default:
			if secret && v != nil {
				found = append(found, fmt.Sprint(v))
			}
		}
	}
	walk(doc, false)
	return found
}
