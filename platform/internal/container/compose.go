package container

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
)

// compose renders d for Compose.
func (d *definition) compose() mapping {
	d.RefuseIf(d.StartType == platform.StartManual && d.Restart.Policy == platform.RestartAlways, "start_type", `%q: docker starts it at boot with restart.policy = "always"`, d.StartType)
	d.RefuseIf(len(d.Restart.Success) > 0 && d.Restart.Policy == platform.RestartOnFailure, "restart.success_exit_codes", "%v: for docker only 0 means success", d.Restart.Success)
	service := mapping{}.
		with("image", dollars(d.image())).
		with("entrypoint", allDollars(d.Exec)).
		with("init", true). // which reaps orphans
		with("restart", d.restart()).
		with("stop_grace_period", itoa(d.stopSeconds())+"s").
		with("working_dir", dollars(d.WorkingDirectory)).
		with("user", d.account()).
		with("group_add", d.Hardening.SupplementaryGroups).
		with("environment", d.environment()).
		with("ports", d.published()).
		with("healthcheck", d.healthcheck()).
		with("read_only", d.Hardening.ProtectSystem == platform.On).
		with("cap_drop", []string{"ALL"}).
		with("cap_add", d.capabilities()).
		with("security_opt", d.securityOptions())
	service = d.limits(service)
	service = service.
		with("tmpfs", d.tmpfs()).
		with("volumes", d.binds())
	return mapping{}.
		with("services", mapping{}.with(d.name(), service)).
		with("volumes", mapping{{volumeState, mapping{}}})
}

// restart returns the policy of docker, which counts restarts without regard to their time.
func (d *definition) restart() string {
	switch {
	case d.Restart.Policy == platform.RestartAlways:
		return "always"
	case d.Restart.Policy == platform.RestartNever:
		return "no"
	case d.Restart.Max == platform.NoLimit:
		return "on-failure"
	}
	return "on-failure:" + itoa(d.Restart.Max)
}

// account returns user:group.
func (d *definition) account() string {
	if d.Group == "" {
		return d.User
	}
	return d.User + ":" + d.Group
}

// environment leaves values that may be secret to the environment of docker compose.
func (d *definition) environment() mapping {
	var m mapping
	for _, name := range sortedNames(d.Env) {
		if secretVariable(name, d.Env[name]) {
			m = append(m, field{name, null{}})
			continue
		}
		m = append(m, field{name, dollars(d.Env[name])})
	}
	return m
}

// published has the ports as they would be without a container.
func (d *definition) published() sequence {
	var all sequence
	for _, p := range d.ports() {
		all = append(all, mapping{}.with("target", p.number).with("published", itoa(p.number)).with("protocol", p.network))
	}
	return all
}

// healthcheck asks the program. Docker tells the outcome, and does nothing about it.
func (d *definition) healthcheck() mapping {
	return mapping{}.
		with("test", append([]string{"CMD"}, allDollars(d.Commands.Ready)...)).
		with("interval", itoa(seconds(commandEvery))+"s").
		with("timeout", itoa(seconds(probeTimeout))+"s").
		with("start_period", itoa(seconds(d.StartTimeout))+"s").
		with("retries", 1)
}

func (d *definition) securityOptions() []string {
	var all []string
	if d.Hardening.NoNewPrivileges == platform.On {
		all = append(all, "no-new-privileges:true")
	}
	if d.Hardening.RestrictSyscalls != platform.On { // otherwise docker's own profile applies
		all = append(all, "seccomp:unconfined")
	}
	return all
}

func (d *definition) limits(m mapping) mapping {
	l := d.Limits
	if l.Memory != 0 {
		m = m.with("mem_limit", strconv.FormatUint(uint64(l.Memory), 10)+"b")
	}
	if l.CPU != 0 {
		const percent = 100
		m = m.with("cpus", fmt.Sprintf("%d.%02d", l.CPU/percent, l.CPU%percent))
	}
	if l.Tasks != 0 {
		m = m.with("pids_limit", l.Tasks)
	}
	var ulimits mapping
	for _, u := range []struct {
		name  string
		value uint64
	}{{"nofile", l.NoFile}, {"nproc", l.NProc}} {
		if u.value != 0 {
			ulimits = ulimits.with(u.name, u.value)
		}
	}
	if l.Core != nil {
		ulimits = ulimits.with("core", *l.Core)
	}
	return m.with("ulimits", ulimits)
}

// tmpfs returns the volumes in memory. The one above the runtime directory belongs to the
// service, so that it can make that directory.
func (d *definition) tmpfs() []string {
	var all []string
	for _, v := range d.volumes() {
		switch v.name {
		case volumeRun:
			options := ":mode=0755"
			if uid, ok := d.uid(); ok {
				options += ",uid=" + itoa(uid)
			}
			all = append(all, dollars(v.at)+options)
		case volumeTmp:
			all = append(all, dollars(v.at)+":mode=1777")
		}
	}
	return all
}

// binds returns the volume for the state, and the directory of the configuration, which is
// that of the machine.
func (d *definition) binds() sequence {
	var all sequence
	for _, v := range d.volumes() {
		switch v.name {
		case volumeState:
			all = append(all, mapping{}.with("type", "volume").with("source", volumeState).with("target", dollars(v.at)))
		case volumeConfig:
			all = append(all, mapping{}.with("type", "bind").with("source", dollars(v.at)).with("target", dollars(v.at)).with("read_only", true).
				with("bind", mapping{}.with("create_host_path", true)))
		}
	}
	return all
}

func sortedNames(env map[string]string) []string { return slices.Sorted(maps.Keys(env)) }

func itoa[T int | uint64](n T) string { return fmt.Sprint(n) }
