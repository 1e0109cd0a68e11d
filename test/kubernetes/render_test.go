package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// unit returns a unit with nothing but what every service has.
func unit() platform.Unit {
	const program = "/usr/local/bin/feedd"
	return platform.Unit{
		ID:       platform.ID{Name: "feedd", Scope: platform.ScopeSystem},
		Exec:     []string{program, "run", "--scope", "system"},
		Commands: platform.Commands{Ready: []string{program, "status", "--ready"}},
	}
}

// render returns the definition of u.
func render(t *testing.T, manager string, u platform.Unit) ([]byte, error) {
	t.Helper()
	m, err := native.ManagerOn(manager, nil, native.Login{})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := m.Plan(t.Context(), u)
	if err != nil {
		return nil, err
	}
	return steps[0].Content, nil
}

// statefulSet renders u, and reads it as an API server with strict field validation does.
func statefulSet(t *testing.T, u platform.Unit) apps.StatefulSet {
	t.Helper()
	content, err := render(t, "kubernetes", u)
	if err != nil {
		t.Fatal(err)
	}
	var set apps.StatefulSet
	if err := yaml.UnmarshalStrict(content, &set); err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	if set.APIVersion != "apps/v1" || set.Kind != "StatefulSet" {
		t.Fatalf("it is a %s of %s", set.Kind, set.APIVersion)
	}
	return set
}

// compose renders u, and reads it as docker compose does: by the schema, with these variables
// in the environment.
func compose(t *testing.T, u platform.Unit, env types.Mapping) types.ServiceConfig {
	t.Helper()
	content, err := render(t, "compose", u)
	if err != nil {
		t.Fatal(err)
	}
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: "/nonexistent", Environment: env,
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: content}},
	}, func(o *loader.Options) { o.SetProjectName("feedd", true) })
	if err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	if len(project.Services) != 1 {
		t.Fatalf("%d services in\n%s", len(project.Services), content)
	}
	for _, s := range project.Services {
		return s
	}
	return types.ServiceConfig{}
}

// expanded is what Kubernetes makes of a word of a command, and of a value in env: $$ is a
// dollar sign, and $(NAME) a variable. It fails if there is one.
func expanded(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '$' && i+1 < len(s) {
			switch s[i+1] {
			case '$':
				i++
			case '(':
				t.Errorf("%q has a variable", s)
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func allExpanded(t *testing.T, words []string) []string {
	t.Helper()
	var all []string
	for _, w := range words {
		all = append(all, expanded(t, w))
	}
	return all
}

// container returns the only container of a pod.
func container(t *testing.T, pod core.PodSpec) core.Container {
	t.Helper()
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	return pod.Containers[0]
}
