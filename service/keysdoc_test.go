package service_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// The table of keys in the documentation matches the code.
func TestTheDocumentationHasEveryKey(t *testing.T) {
	documents(t, "../docs/configuration.md", "keys", tableOfKeys(t))
}

// So is that of the keys of a socket.
func TestTheDocumentationHasEveryKeyOfASocket(t *testing.T) {
	table := "| key | meaning |\n| --- | --- |\n"
	socket := reflect.TypeFor[service.Socket]()
	for i := range socket.NumField() {
		tag := socket.Field(i).Tag
		if tag.Get("help") == "" {
			t.Errorf("%s means nothing", socket.Field(i).Name)
		}
		table += fmt.Sprintf("| `%s` | %s |\n", tag.Get("toml"), tag.Get("help"))
	}
	documents(t, "../docs/sockets.md", "keys of a socket", table)
}

// So are the keys that every cluster has.
func TestTheDocumentationHasEveryKeyOfACluster(t *testing.T) {
	table := "| key | meaning |\n| --- | --- |\n"
	cluster := reflect.TypeFor[service.ClusterSettings]()
	for i := range cluster.NumField() {
		tag := cluster.Field(i).Tag
		if tag.Get("help") == "" {
			t.Errorf("%s means nothing", cluster.Field(i).Name)
		}
		table += fmt.Sprintf("| `%s` | %s |\n", tag.Get("toml"), tag.Get("help"))
	}
	documents(t, "../docs/clusters.md", "keys of a cluster", table)
}

// documents compares the table between the marks of that name in a page with the one of the
// code, or writes it there with -update.
func documents(t *testing.T, page, name, table string) {
	t.Helper()
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table of keys", page)
	}
	want := before + begin + table + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Errorf("%s is not what the code has: go test ./service -run Documentation -update", page)
	}
}

func tableOfKeys(t *testing.T) string {
	t.Helper()
	known := managersOfSettings(t)
	var b strings.Builder
	b.WriteString("| key | default | meaning | managers | a change takes |\n| --- | --- | --- | --- | --- |\n")
	for _, key := range service.Keys() {
		managers, ok := known[key.Name]
		if !ok {
			managers = "all" // no definition has it: the process itself takes it
		}
		def := key.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", key.Name, def, strings.ReplaceAll(key.Meaning, "|", `\|`), managers, takenBy(key.Name))
	}
	return b.String()
}

// takenBy returns what brings a change of the key into force, for the manager that needs most.
func takenBy(key string) service.TakenBy {
	order := []service.TakenBy{"", service.TakenByReload, service.TakenByRestart, service.TakenByInstall}
	most := service.TakenBy("")
	for _, manager := range []string{"systemd", "sysv", "openrc", "launchd", "scm", "kubernetes"} {
		if by := service.Takes(manager, platform.ScopeSystem, key); slices.Index(order, by) > slices.Index(order, most) {
			most = by
		}
	}
	return most
}

// managersOfSettings returns the managers that honour each setting, from the table that
// platform/native generates and tests.
func managersOfSettings(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile("../platform/native/SETTINGS.md")
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	known := map[string]string{}
	setting := regexp.MustCompile("^`([a-z_.]+)`$")
	for line := range strings.Lines(strings.ReplaceAll(string(content), "\r\n", "\n")) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if cells[0] == "setting" {
			places = cells[1:]
		}
		name := setting.FindStringSubmatch(cells[0])
		if name == nil || len(cells) != len(places)+1 {
			continue
		}
		known[name[1]] = summary(places, cells[1:])
	}
	if len(known) < 40 {
		t.Fatalf("found only %d settings", len(known))
	}
	return known
}

// summary names the managers that honour a setting in some scope, and the scope if it is only
// one.
func summary(places, cells []string) string {
	var names, managers []string
	for i, place := range places {
		manager, scope, _ := strings.Cut(place, ", ")
		if !slices.Contains(managers, manager) {
			managers = append(managers, manager)
		}
		if cells[i] != "yes" {
			continue
		}
		other := slices.IndexFunc(places, func(p string) bool { return strings.HasPrefix(p, manager+", ") && p != place })
		switch {
		case other >= 0 && cells[other] != "yes":
			names = append(names, manager+" ("+scope+")")
		case !slices.Contains(names, manager):
			names = append(names, manager)
		}
	}
	switch {
	case len(names) == 0:
		return "holdfast itself"
	case slices.Equal(names, managers):
		return "all"
	}
	return strings.Join(names, ", ")
}
