package kubernetes_test

import (
	"os"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// The pod of examples/wrap is one, and gives the program more time to stop than it takes.
func TestThePodOfWrap(t *testing.T) {
	const dir = "../../examples/wrap/container/"
	content, err := os.ReadFile(dir + "pod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pod core.Pod
	if err := yaml.UnmarshalStrict(content, &pod); err != nil {
		t.Fatal(err)
	}
	if pod.APIVersion != "v1" || pod.Kind != "Pod" || pod.Name != "cache" {
		t.Errorf("it is %+v %+v", pod.TypeMeta, pod.ObjectMeta)
	}
	var cache struct {
		Service struct {
			StopTimeout string `toml:"stop_timeout"`
		}
		Wrap struct{ Ready, Health struct{ Mark string } }
	}
	if _, err := toml.DecodeFile(dir+"cache.toml", &cache); err != nil {
		t.Fatal(err)
	}
	stop, err := time.ParseDuration(cache.Service.StopTimeout)
	if grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second; err != nil || grace <= stop {
		t.Errorf("%v: it has %v for a stop of %v", err, grace, stop)
	}
	c := container(t, pod.Spec)
	for mark, probe := range map[string]*core.Probe{cache.Wrap.Ready.Mark: c.ReadinessProbe, cache.Wrap.Health.Mark: c.LivenessProbe} {
		if probe == nil || probe.Exec == nil || mark == "" || probe.Exec.Command[len(probe.Exec.Command)-1] != mark {
			t.Errorf("no probe looks for %q: %+v", mark, probe)
		}
	}
}
