package etcd_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// weighed are services that differ in their elector.
var weighed = []struct{ what, imports, cluster, campaign string }{
	{what: "no cluster"},
	{what: ours, imports: `"github.com/holdfast-dev/holdfast/singleton/etcd"`, cluster: "Cluster: etcd.New(),"},
	{
		what:    theirs,
		imports: `clientv3 "go.etcd.io/etcd/client/v3"; "go.etcd.io/etcd/client/v3/concurrency"`,
		campaign: `c, err := clientv3.New(clientv3.Config{Endpoints: []string{os.Getenv("ENDPOINT")}})
			if err != nil { return err }
			s, err := concurrency.NewSession(c, concurrency.WithTTL(10))
			if err != nil { return err }
			if err := concurrency.NewElection(s, "/weight").Campaign(ctx, "a"); err != nil { return err }`,
	},
}

// figureWeight prints the memory of services that lead, and the size of their programs.
func figureWeight(t *testing.T, period time.Duration) {
	member, _ := aMember(t)
	for _, w := range weighed {
		dir := t.TempDir()
		source, program, config := filepath.Join(dir, "main.go"), filepath.Join(dir, "weighed"), filepath.Join(dir, "weighed.toml")
		must(t, os.WriteFile(source, []byte(`package main
			import ("context"; "fmt"; "os"; "github.com/holdfast-dev/holdfast/service"; "github.com/holdfast-dev/holdfast/service/cli"; `+w.imports+`)
			type program struct{}
			func (program) Start(ctx context.Context, _ *service.Runtime) error { `+w.campaign+`; fmt.Println("leads"); return nil }
			func (program) Stop(context.Context) error { return nil }
			func main() { os.Exit(cli.Main(service.Config{Name: "weighed", `+w.cluster+`}, program{})) }
		`), 0o600))
		settings := "[service]\nstop_timeout = \"3s\"\n"
		if w.cluster != "" {
			settings += "[service.cluster]\nendpoints = [\"" + member.Client + "\"]\n"
		}
		must(t, os.WriteFile(config, []byte(settings), 0o600))
		build := exec.Command("go", "build", "-o", program, source)
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		if text, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		cmd := exec.Command(program, "run", "--config", config, "--runtime-dir", dir, "--state-dir", dir)
		cmd.Env = append(os.Environ(), "ENDPOINT="+member.Client)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "leads" {
			t.Fatalf("the service says %q", lines.Text())
		}
		time.Sleep(period)
		info, err := os.Stat(program)
		must(t, err)
		t.Logf("%-22s %5.1f MiB of memory, program of %4.1f MiB", w.what, float64(weight(t, cmd))/(1<<20), float64(info.Size())/(1<<20))
	}
}
