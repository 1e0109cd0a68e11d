package cli_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/cli"
)

type payload struct {
	Name  string   `json:"name"`
	Flags []string `json:"flags"`
}

// A dry run shows everything about a step. It used to omit for what and for how long a command
// is repeated, and that it may fail.
func TestAPlanSaysAllOfAStep(t *testing.T) {
	steps := []platform.Step{
		{Kind: platform.StepWriteFile, Describe: "a file", Path: "/etc/x", Mode: 0o644, Content: []byte("a < b & c\n")},
		{
			Kind: platform.StepRun, Describe: "wait", Argv: []string{"print", "x"}, Undo: []string{"undo"},
			MayFail: true, Until: 113, Within: 90 * time.Second,
		},
		{Kind: "service", Describe: "a service", Payload: payload{Name: "<x>", Flags: []string{"a"}}},
		{Kind: "nothing", Describe: "nothing", Payload: struct{}{}},
	}
	var text bytes.Buffer
	if err := cli.ShowPlan(&text, "any", steps, true); err != nil {
		t.Fatal(err)
	}
	var got struct{ Steps []map[string]any }
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, text.String())
	}
	want := []map[string]any{
		{"kind": "write-file", "describe": "a file", "path": "/etc/x", "mode": "0644", "content": "a < b & c\n"},
		{
			"kind": "run", "describe": "wait", "argv": []any{"print", "x"}, "undo": []any{"undo"},
			"may_fail": true, "until": 113.0, "within": "1m30s",
		},
		{"kind": "service", "describe": "a service", "name": "<x>", "flags": []any{"a"}},
		{"kind": "nothing", "describe": "nothing"},
	}
	if !reflect.DeepEqual(got.Steps, want) {
		t.Errorf("got %v\nwant %v", got.Steps, want)
	}
	if strings.Contains(text.String(), `\u00`) {
		t.Errorf("it is for people, too:\n%s", text.String())
	}
	text.Reset()
	if err := cli.ShowPlan(&text, "any", steps, false); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"/etc/x, mode 0644:\n   | a < b & c\n", "$ print x", "exit code 113", "1m30s", "may fail", `| flags: ["a"]`, "| name: <x>",
	} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("it does not say %q:\n%s", part, text.String())
		}
	}
}
