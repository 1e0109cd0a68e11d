package container

import (
	"regexp"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// statefulSet renders d for Kubernetes.
func (d *definition) statefulSet() mapping {
	d.checkKubernetes()
	// With its full name as the instance, no selector has the pods of another instance.
	labels := mapping{}.with("app.kubernetes.io/name", d.ID.Name).with("app.kubernetes.io/instance", d.name())
	spec := mapping{}.
		with("terminationGracePeriodSeconds", d.stopSeconds()).
		with("automountServiceAccountToken", false).
		with("shareProcessNamespace", true). // process 1, which reaps orphans, is not the service
		with("securityContext", d.podSecurity()).
		with("containers", sequence{d.container()}).
		with("volumes", d.podVolumes())
	claim := mapping{}.
		with("metadata", mapping{}.with("name", volumeState)).
		with("spec", mapping{}.
			with("accessModes", []string{"ReadWriteOnce"}).
			with("resources", mapping{}.with("requests", mapping{}.with("storage", quantity(d.storage())))))
	return mapping{}.
		with("apiVersion", "apps/v1").
		with("kind", "StatefulSet").
		with("metadata", mapping{}.
			with("name", d.name()).
			with("labels", labels).
			with("annotations", mapping{}.with("kubernetes.io/description", d.Description))).
		with("spec", mapping{}.
			with("replicas", 1).
			with("serviceName", d.name()). // older clusters require one, which need not exist
			with("selector", mapping{}.with("matchLabels", labels)).
			with("template", mapping{}.with("metadata", mapping{}.with("labels", labels)).with("spec", spec)).
			with("volumeClaimTemplates", sequence{claim}))
}

func (d *definition) checkKubernetes() {
	for _, l := range []struct {
		key string
		set bool
	}{{"limits.nofile", d.Limits.NoFile != 0}, {"limits.nproc", d.Limits.NProc != 0}, {"limits.core", d.Limits.Core != nil}, {"limits.tasks", d.Limits.Tasks != 0}} {
		d.RefuseIf(l.set, l.key, "a pod has no such limit: that of the node applies")
	}
	d.RefuseIf(d.StartType == platform.StartManual, "start_type", "%q: a pod starts when it is applied", d.StartType)
}

func (d *definition) storage() platform.Size {
	if d.Container.Storage == 0 {
		return defaultStorage
	}
	return d.Container.Storage
}

// podSecurity has what concerns all of the pod. The group of its volumes is the service's, or
// one with the number of its user.
func (d *definition) podSecurity() mapping {
	var m mapping
	if uid, ok := d.uid(); ok {
		m = m.with("runAsUser", uid).with("runAsNonRoot", uid != 0)
		volumes := uid
		if gid, ok := number(d.Group); ok {
			m = m.with("runAsGroup", gid)
			volumes = gid
		}
		if volumes != 0 {
			m = m.with("fsGroup", volumes).with("fsGroupChangePolicy", "OnRootMismatch")
		}
	}
	var groups sequence
	for _, name := range d.Hardening.SupplementaryGroups {
		if gid, ok := number(name); ok {
			groups = append(groups, gid)
		}
	}
	m = m.with("supplementalGroups", groups)
	if d.Hardening.RestrictSyscalls == platform.On {
		m = m.with("seccompProfile", mapping{}.with("type", "RuntimeDefault"))
	}
	return m
}

func (d *definition) container() mapping {
	limits := mapping{}
	if d.Limits.Memory != 0 {
		limits = limits.with("memory", quantity(d.Limits.Memory))
	}
	if d.Limits.CPU != 0 {
		const thousandthsPerPercent = 10 // of a processor
		limits = limits.with("cpu", itoa(d.Limits.CPU*thousandthsPerPercent)+"m")
	}
	capabilities := mapping{}.with("drop", []string{"ALL"}).with("add", d.capabilities())
	security := mapping{}.
		with("allowPrivilegeEscalation", d.Hardening.NoNewPrivileges != platform.On).
		with("readOnlyRootFilesystem", d.Hardening.ProtectSystem == platform.On).
		with("capabilities", capabilities)
	m := mapping{}.
		with("name", d.name()).
		with("image", d.image()).
		with("command", allDollars(d.Exec)).
		with("workingDir", d.WorkingDirectory).
		with("env", d.podEnv()).
		with("ports", d.containerPorts())
	m = d.probes(m)
	return m.
		with("resources", mapping{}.with("limits", limits)).
		with("securityContext", security).
		with("volumeMounts", d.mounts())
}

func (d *definition) podEnv() sequence {
	var all sequence
	for _, name := range sortedNames(d.Env) {
		m := mapping{}.with("name", name)
		if secretVariable(name, d.Env[name]) {
			all = append(all, m.with("valueFrom", mapping{}.with("secretKeyRef", mapping{}.with("name", d.secret()).with("key", name))))
			continue
		}
		all = append(all, append(m, field{"value", dollars(d.Env[name])})) // also an empty one
	}
	return all
}

// portName is the name of a port in Kubernetes: an IANA_SVC_NAME.
const portName = `^[a-z0-9]([a-z0-9]|-[a-z0-9])*$`

// longestPortName is the length of such a name.
const longestPortName = 15

func (d *definition) containerPorts() sequence {
	var all sequence
	for _, p := range d.ports() {
		m := mapping{}
		if len(p.name) <= longestPortName && regexp.MustCompile(portName).MatchString(p.name) && strings.ContainsAny(p.name, "abcdefghijklmnopqrstuvwxyz") {
			m = m.with("name", p.name)
		}
		all = append(all, m.with("containerPort", p.number).with("protocol", strings.ToUpper(p.network)))
	}
	return all
}

// Times of the probes. A command costs more than a request.
const (
	startupEvery = 2 * time.Second
	requestEvery = 5 * time.Second
	commandEvery = 10 * time.Second
	probeTimeout = 10 * time.Second
	// livenessTries is how often a probe fails within watchdog before the pod is restarted.
	livenessTries = 3
)

// probes adds the probes to a container. Without a listener that the kubelet can reach, a
// command of the program answers them. The program then enforces the watchdog itself, as with
// other managers.
func (d *definition) probes(m mapping) mapping {
	number, _ := d.probePort() //nolint:errcheck // checkSockets has refused it
	ask := func(page string) mapping {
		if number != 0 {
			return mapping{}.with("httpGet", mapping{}.with("path", page).with("port", number))
		}
		return mapping{}.with("exec", mapping{}.with("command", allDollars(d.Commands.Ready)))
	}
	every := commandEvery
	if number != 0 {
		every = requestEvery
	}
	timing := func(m mapping, every time.Duration, failures int) mapping {
		return m.with("periodSeconds", seconds(every)).with("timeoutSeconds", seconds(probeTimeout)).with("failureThreshold", failures)
	}
	m = m.with("startupProbe", timing(ask("/readyz"), startupEvery, max(1, seconds(d.StartTimeout)/seconds(startupEvery))))
	m = m.with("readinessProbe", timing(ask("/readyz"), every, 1))
	if number != 0 && d.Watchdog > 0 {
		m = m.with("livenessProbe", timing(ask("/livez"), max(time.Second, d.Watchdog/livenessTries), livenessTries))
	}
	return m
}

func (d *definition) mounts() sequence {
	var all sequence
	for _, v := range d.volumes() {
		m := mapping{}.with("name", v.name).with("mountPath", v.at)
		if v.name == volumeConfig {
			m = m.with("readOnly", true)
		}
		all = append(all, m)
	}
	return all
}

func (d *definition) podVolumes() sequence {
	var all sequence
	for _, v := range d.volumes() {
		m := mapping{}.with("name", v.name)
		switch v.name {
		case volumeRun:
			all = append(all, m.with("emptyDir", mapping{}.with("medium", "Memory")))
		case volumeTmp:
			all = append(all, append(m, field{"emptyDir", mapping{}}))
		case volumeConfig:
			source := mapping{}.with("name", d.name()).with("optional", true)
			if key, file := d.configKey(); key != file {
				source = source.with("items", sequence{mapping{}.with("key", key).with("path", file)})
			}
			all = append(all, m.with("configMap", source))
		}
	}
	return all
}
