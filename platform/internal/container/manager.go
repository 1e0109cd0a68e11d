package container

import (
	"context"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Manager renders services for one kind of containers. It has no state, and never looks at
// the machine.
type Manager struct{ dialect dialect }

// A dialect is what distinguishes Kubernetes and Compose.
type dialect struct {
	name, file, apply string
	render            func(*definition) mapping
}

var (
	_ platform.Renderer = (*Manager)(nil)
	_ platform.Warner   = (*Manager)(nil)
)

// Kubernetes returns the Manager that renders a StatefulSet.
func Kubernetes() *Manager {
	return &Manager{dialect{name: kubernetesName, file: "statefulset.yaml", apply: "kubectl apply -f -", render: (*definition).statefulSet}}
}

// Compose returns the Manager that renders a file of Compose.
func Compose() *Manager {
	return &Manager{dialect{name: composeName, file: "compose.yaml", apply: "docker compose -f - up --detach", render: (*definition).compose}}
}

// The names of the managers.
const (
	kubernetesName = "kubernetes"
	composeName    = "compose"
)

// Name returns "kubernetes" or "compose".
func (m *Manager) Name() string { return m.dialect.name }

// Apply returns the command that takes the definition on its standard input.
func (m *Manager) Apply() string { return m.dialect.apply }

// StateDir returns a directory whose parent can be a volume. Nothing of an image is in /data.
func (m *Manager) StateDir(id platform.ID) string { return "/data/" + id.String() }

// Plan returns one step, which writes the definition into the working directory. If u has
// settings that a container cannot honour, the error wraps platform.ErrBadUnit and names all
// of them.
func (m *Manager) Plan(_ context.Context, u platform.Unit) ([]platform.Step, error) {
	content, err := m.Render(u)
	if err != nil {
		return nil, err
	}
	return []platform.Step{{
		Kind: platform.StepWriteFile, Describe: "the definition for " + m.Apply(), Path: m.dialect.file, Mode: 0o644, Content: content,
	}}, nil
}

// Render returns the definition of u.
func (m *Manager) Render(u platform.Unit) ([]byte, error) {
	d := m.define(u)
	text := fmt.Sprintf("# The service %s, rendered by holdfast. To apply it: %s\n%s", d.name(), m.Apply(), encode(m.dialect.render(d)))
	if err := d.Err(m.Name()+" definition", u.ID); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// Warnings says what has to be done besides applying the definition, and what was assumed.
func (m *Manager) Warnings(_ context.Context, u platform.Unit) []string {
	d := m.define(u)
	var all []string
	if u.Container.Image == "" {
		all = append(all, fmt.Sprintf("container.image: the image is taken to be %q", d.image()))
	}
	if u.User == "" {
		all = append(all, "user: it runs as the user of the image, who has to be a number other than 0 for a cluster that refuses root")
	}
	if names := d.secretNames(); len(names) > 0 {
		all = append(all, d.whereSecretsGo(names))
	}
	if m.Name() == kubernetesName {
		if u.Container.Storage == 0 {
			all = append(all, fmt.Sprintf("container.storage: the volume for its state is %s", quantity(defaultStorage)))
		}
		key, file := d.configKey()
		if key != file {
			file = key + "=" + file
		}
		return append(all, fmt.Sprintf("the configuration is the ConfigMap %s, if there is one: kubectl create configmap %[1]s --from-file=%[2]s", d.name(), file))
	}
	if d.Restart.Policy == platform.RestartOnFailure && d.StartType == platform.StartAuto {
		all = append(all, `restart.policy: docker starts it at boot only with "always"`)
	}
	return all
}

// whereSecretsGo says who has to give these variables their values.
func (d *definition) whereSecretsGo(names []string) string {
	list := strings.Join(names, ", ")
	if d.dialect.name == composeName {
		return fmt.Sprintf("env: the values of %s may be secret and are left out: they are taken from the environment of docker compose", list)
	}
	return fmt.Sprintf("env: the values of %s may be secret and are left out: put them into the Secret %s, by those names: kubectl create secret generic %[2]s --from-env-file=FILE", list, d.secret())
}

// Removal refuses, as do the methods below that would act.
func (m *Manager) Removal(context.Context, platform.ID) ([]platform.Step, error) {
	return nil, m.refuse("uninstall")
}

// Start refuses.
func (m *Manager) Start(context.Context, platform.ID) error { return m.refuse("start") }

// Stop refuses.
func (m *Manager) Stop(context.Context, platform.ID) error { return m.refuse("stop") }

// Restart refuses.
func (m *Manager) Restart(context.Context, platform.ID) error { return m.refuse("restart") }

// Reload refuses.
func (m *Manager) Reload(context.Context, platform.ID) error { return m.refuse("reload") }

func (m *Manager) refuse(verb string) error {
	return fmt.Errorf("%s: %w: a plan for %s is applied by %s", verb, platform.ErrUnsupported, m.Name(), m.Apply())
}

// Status knows nothing.
func (m *Manager) Status(context.Context, platform.ID) (platform.Status, error) {
	return platform.Status{Manager: m.Name(), Phase: platform.PhaseUnknown}, nil
}

// Logs returns nil.
func (m *Manager) Logs(platform.ID, int, bool) []string { return nil }
