package service_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"github.com/holdfast-dev/holdfast/service"
)

// A new key needs a description and a documented default.
func TestKeysAreDocumented(t *testing.T) {
	defaults := map[string]string{
		"umask": `"0027"`, "start_timeout": `"1m"`, "stop_timeout": `"30s"`, "reload_timeout": `"30s"`, "watchdog": `"0s"`,
		"restart.policy": `"on-failure"`, "restart.delay": `"2s"`, "restart.max": "10", "restart.window": `"5m"`,
		"restart.backoff": "1", "restart.max_delay": `"5m"`, "restart.jitter": "0", "restart.reset_after": `"5m"`,
		"limits.memory": "0", "limits.core": "", "hardening.private_tmp": "true", "hardening.capabilities": "[]",
		"log.level": `"info"`, "log.max_backups": "7", "env": "{}", "supervise": "false", "systemd.version": "0",
	}
	for _, key := range service.Keys() {
		if key.Meaning == "" || strings.Contains(key.Meaning, "\n") {
			t.Errorf("%s: means %q", key.Name, key.Meaning)
		}
		if want, ok := defaults[key.Name]; ok && key.Default != want {
			t.Errorf("%s: default %s, want %s", key.Name, key.Default, want)
		}
		delete(defaults, key.Name)
		if key.Default == "" {
			continue
		}
		if err := toml.Unmarshal([]byte("x = "+key.Default), &map[string]any{}); err != nil {
			t.Errorf("%s: %s: %v", key.Name, key.Default, err)
		}
	}
	for name := range defaults {
		t.Errorf("there is no key %s", name)
	}
}

// A zero in the file is refused if it would stand for another value. restart.max = 0 used to
// mean 10, and start_timeout = "0s" a minute.
func TestZerosInTheFileMeanZero(t *testing.T) {
	refused := map[string]string{
		"restart.max = 0":         `the default, 10: leave the key out for that, write -1 for no limit, or policy = "never"`,
		"restart.policy = \"\"":   `the default, "on-failure"`,
		"restart.delay = \"0s\"":  `the default, "2s": leave the key out for that, or write "1ms"`,
		"restart.window = \"0s\"": `"5m"`,
		"restart.backoff = 0":     `the default, 1`,

		"restart.max_delay = \"0s\"":   `"5m"`,
		"restart.reset_after = \"0s\"": `"5m"`,

		"start_timeout = \"0s\"":   `"1m"`,
		"stop_timeout = \"0s\"":    `"30s"`,
		"reload_timeout = \"0ms\"": `"30s"`,
		"health_interval = \"0s\"": `"30s"`,
		"umask = \"\"":             `"0027"`,
		"log.level = \"\"":         `"info"`,
		"log.format = \"\"":        `"text"`,
		"log.sink = \"\"":          `"auto"`,
		"log.max_size_mb = 0":      "100",
		"log.max_backups = 0":      "7",

		"alarm.timeout = \"0s\"":      `"30s"`,
		"alarm.every = \"0s\"":        `"5m"`,
		"alarm.webhook_header = \"\"": `"Authorization"`,
		"alarm.disk_free = 0":         `1073741824`,
		"alarm.disk_free_percent = 0": "5",
		"alarm.disk_every = \"0s\"":   `"1m"`,

		"launchd.process_type = \"\"": `"Standard"`,
		"windows.start = \"\"":        `"delayed"`,
		"windows.give_up = \"\"":      `"nothing"`,
		"start_type = \"\"":           `"auto"`,
	}
	for line, says := range refused {
		path := write(t, "[service]\n"+line+"\n")
		_, err := service.Config{Name: "feedd", File: path}.Load()
		key, _, _ := strings.Cut(line, " ")
		if !errors.Is(err, service.ErrConfig) {
			t.Errorf("%s: %v", line, err)
			continue
		}
		for _, part := range []string{path, ":2: ", "service." + key, says} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v\ndoes not say %s", line, err, part)
			}
		}
	}
	// All other keys accept their zero.
	zeros := map[string]string{`"`: `""`, "[": "[]", "{": "{}", "t": "true", "f": "false"}
	for _, key := range service.Keys() {
		zero := "0"
		if key.Default != "" && zeros[key.Default[:1]] != "" {
			zero = zeros[key.Default[:1]]
		}
		if key.Default == `"0s"` {
			zero = key.Default
		}
		if slices.ContainsFunc(slices.Collect(maps.Keys(refused)), func(line string) bool { return strings.HasPrefix(line, key.Name+" ") }) || key.Name == "name" {
			continue
		}
		if _, err := (service.Config{Name: "feedd", File: write(t, "[service]\n"+key.Name+" = "+zero+"\n")}).Load(); err != nil {
			t.Errorf("%s = %s: %v", key.Name, zero, err)
		}
	}
}
