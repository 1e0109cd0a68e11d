package kubernetes_test

import (
	"maps"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	core "k8s.io/api/core/v1"

	"github.com/holdfast-dev/holdfast/platform"
)

// full returns a unit with every setting that both managers have.
func full() platform.Unit {
	u := unit()
	u.Instance, u.Description = "two", "feeds: \"all\" of them"
	u.Container = platform.Container{Image: "registry.example:5000/feedd:1.2", Storage: 5 << 30}
	u.Exec = append(u.Exec, "--", "a b", "$(HOME) $$ ${X} #", "- c: d", "")
	u.Env = map[string]string{"TZ": "Europe/Berlin", "EMPTY": "", "NUMBER": "0x10", "YES": "yes", "DB_PASSWORD": "hidden", "URL": "redis://u:hidden@db/0", "KEYS_FILE": "/run/k"}
	u.User, u.Group = "1000", "1001"
	u.WorkingDirectory = "/data"
	u.StopTimeout, u.StartTimeout, u.Watchdog = 25*time.Second+time.Millisecond, 90*time.Second, 30*time.Second
	u.Limits.Memory, u.Limits.CPU = 512<<20, 150
	u.Hardening.SupplementaryGroups = []string{"7"}
	u.Sockets = []platform.Socket{{Name: "api", Listen: "tcp::8080"}, {Name: "in", Listen: "tcp:127.0.0.1:9"}, {Name: "a-long-name-of-a-socket", Listen: "udp:0.0.0.0:53"}}
	u.Probes = ":9100"
	return u
}

func TestKubernetesReadsEverySetting(t *testing.T) {
	u := full()
	set := statefulSet(t, u)
	pod := set.Spec.Template.Spec
	c := container(t, pod)
	if set.Name != "feedd--two" || *set.Spec.Replicas != 1 || set.Annotations["kubernetes.io/description"] != u.Description {
		t.Errorf("%+v", set.ObjectMeta)
	}
	if !maps.Equal(set.Spec.Selector.MatchLabels, set.Spec.Template.Labels) || len(set.Spec.Template.Labels) != 2 {
		t.Errorf("it selects %v, and its pods are %v", set.Spec.Selector.MatchLabels, set.Spec.Template.Labels)
	}
	if c.Image != u.Container.Image || c.WorkingDir != "/data" || !slices.Equal(allExpanded(t, c.Command), u.Exec) {
		t.Errorf("%q in %q, want %q", c.Command, c.WorkingDir, u.Exec)
	}
	if got := *pod.TerminationGracePeriodSeconds; got != 36 { // rounded up, and the margin of managers
		t.Errorf("%d s for a stop", got)
	}
	s := pod.SecurityContext
	if *s.RunAsUser != 1000 || *s.RunAsGroup != 1001 || *s.FSGroup != 1001 || !*s.RunAsNonRoot || !slices.Equal(s.SupplementalGroups, []int64{7}) || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%+v", s)
	}
	own := c.SecurityContext
	if *own.AllowPrivilegeEscalation || !*own.ReadOnlyRootFilesystem || !slices.Equal(own.Capabilities.Drop, []core.Capability{"ALL"}) || own.Capabilities.Add != nil {
		t.Errorf("%+v", own)
	}
	if got := c.Resources.Limits; got.Memory().Value() != 512<<20 || got.Cpu().MilliValue() != 1500 {
		t.Errorf("limits %v", got)
	}
	checkProbes(t, c)
	checkEnv(t, u, c)
	want := []core.ContainerPort{{Name: "api", ContainerPort: 8080, Protocol: core.ProtocolTCP}, {ContainerPort: 53, Protocol: core.ProtocolUDP}}
	if !slices.Equal(c.Ports, want) {
		t.Errorf("ports %+v", c.Ports)
	}
	if got := set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage().Value(); got != 5<<30 {
		t.Errorf("the volume for the state has %d bytes", got)
	}
}

func checkProbes(t *testing.T, c core.Container) {
	t.Helper()
	for name, p := range map[string]*core.Probe{"/readyz": c.ReadinessProbe, "/livez": c.LivenessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != name || p.HTTPGet.Port.IntValue() != 9100 || p.Exec != nil {
			t.Errorf("the probe of %s is %+v", name, p)
		}
	}
	start := c.StartupProbe
	if start == nil || start.HTTPGet.Path != "/readyz" || start.PeriodSeconds*start.FailureThreshold != 90 {
		t.Errorf("the start: %+v", start)
	}
	if p := c.LivenessProbe; p.PeriodSeconds*p.FailureThreshold != 30 {
		t.Errorf("the watchdog: %+v", p)
	}
}

// A value that may be a secret is not in the definition, and its Secret is named.
func checkEnv(t *testing.T, u platform.Unit, c core.Container) {
	t.Helper()
	got := map[string]string{}
	for _, v := range c.Env {
		got[v.Name] = expanded(t, v.Value)
		if v.ValueFrom == nil {
			continue
		}
		got[v.Name] = u.Env[v.Name]
		if ref := v.ValueFrom.SecretKeyRef; ref == nil || ref.Name != "feedd--two-env" || ref.Key != v.Name || u.Env[v.Name] != "hidden" && v.Name != "URL" {
			t.Errorf("%+v", v)
		}
	}
	if !maps.Equal(got, u.Env) {
		t.Errorf("the environment is %v", got)
	}
}

// Each volume is mounted, is not the directory of the service itself, which everybody might
// write to, and is there.
func TestVolumes(t *testing.T) {
	u := full()
	set := statefulSet(t, u)
	pod := set.Spec.Template.Spec
	there := map[string]bool{set.Spec.VolumeClaimTemplates[0].Name: true}
	for _, v := range pod.Volumes {
		there[v.Name] = true
		if v.EmptyDir == nil && (v.ConfigMap == nil || !*v.ConfigMap.Optional) {
			t.Errorf("%+v", v)
		}
	}
	at := map[string]bool{}
	for _, m := range container(t, pod).VolumeMounts {
		at[m.MountPath] = true
		if !there[m.Name] || m.ReadOnly != (m.Name == "config") {
			t.Errorf("%+v: there are %v", m, there)
		}
	}
	if !maps.Equal(at, map[string]bool{"/run": true, "/data": true, "/tmp": true, "/etc/feedd@two": true}) {
		t.Errorf("mounted at %v", at)
	}
	u.RuntimeDir, u.StateDir, u.ConfigFile = "/var/a/run", "/var/a/state", "/conf/feedd.toml"
	mounts := container(t, statefulSet(t, u).Spec.Template.Spec).VolumeMounts
	var paths []string
	for _, m := range mounts {
		paths = append(paths, m.MountPath)
	}
	if !slices.Equal(paths, []string{path.Dir(u.StateDir), "/tmp", "/conf"}) {
		t.Errorf("mounted at %v: two at one place are one", paths)
	}
	compose(t, u, nil)
}

// Without a listener that the kubelet reaches, the program itself is asked.
func TestProbesByCommand(t *testing.T) {
	u := unit()
	u.Watchdog = time.Minute
	c := container(t, statefulSet(t, u).Spec.Template.Spec)
	if c.ReadinessProbe.Exec == nil || !slices.Equal(c.ReadinessProbe.Exec.Command, u.Commands.Ready) || c.LivenessProbe != nil {
		t.Errorf("%+v, %+v", c.ReadinessProbe, c.LivenessProbe)
	}
	if security := statefulSet(t, u).Spec.Template.Spec.SecurityContext; security.RunAsUser != nil || security.RunAsNonRoot != nil {
		t.Errorf("the user of the image runs it: %+v", security)
	}
}

func TestComposeReadsEverySetting(t *testing.T) {
	u := full()
	u.Limits.NoFile, u.Limits.NProc, u.Limits.Tasks, u.Limits.Core = 4096, 100, 50, new(uint64)
	u.Hardening.RestrictSyscalls = platform.Off
	s := compose(t, u, types.Mapping{"DB_PASSWORD": "from outside", "URL": "that, too"})
	if s.Name != "feedd--two" || s.Image != u.Container.Image || !slices.Equal([]string(s.Entrypoint), u.Exec) || s.Restart != "on-failure:10" || !*s.Init {
		t.Errorf("%+v", s)
	}
	if s.User != "1000:1001" || !slices.Equal(s.GroupAdd, []string{"7"}) || s.WorkingDir != "/data" || !s.ReadOnly {
		t.Errorf("user %s, groups %s", s.User, s.GroupAdd)
	}
	if time.Duration(*s.StopGracePeriod) != 36*time.Second || time.Duration(*s.HealthCheck.StartPeriod) != 90*time.Second {
		t.Errorf("%v, %v", s.StopGracePeriod, s.HealthCheck.StartPeriod)
	}
	if !slices.Equal([]string(s.HealthCheck.Test), append([]string{"CMD"}, u.Commands.Ready...)) {
		t.Errorf("%q", s.HealthCheck.Test)
	}
	if s.MemLimit != 512<<20 || s.CPUS != 1.5 || s.PidsLimit != 50 || s.Ulimits["nofile"].Single != 4096 || s.Ulimits["core"] == nil || s.Ulimits["nproc"].Single != 100 {
		t.Errorf("limits %v %v %v %+v", s.MemLimit, s.CPUS, s.PidsLimit, s.Ulimits)
	}
	if !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true", "seccomp:unconfined"}) {
		t.Errorf("%q, %q", s.CapDrop, s.SecurityOpt)
	}
	want := maps.Clone(u.Env)
	want["DB_PASSWORD"], want["URL"] = "from outside", "that, too"
	for name, value := range want {
		if got := s.Environment[name]; got == nil || *got != value {
			t.Errorf("%s is %v, want %q", name, got, value)
		}
	}
	if len(s.Ports) != 2 || s.Ports[0].Target != 8080 || s.Ports[0].Published != "8080" || s.Ports[1].Protocol != "udp" {
		t.Errorf("%+v", s.Ports)
	}
	if !slices.Equal([]string(s.Tmpfs), []string{"/run:mode=0755,uid=1000", "/tmp:mode=1777"}) || len(s.Volumes) != 2 || s.Volumes[0].Target != "/data" || s.Volumes[1].Source != "/etc/feedd@two" {
		t.Errorf("%q, %+v", s.Tmpfs, s.Volumes)
	}
}
