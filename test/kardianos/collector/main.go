// Command collector does what agents that collect metrics do with
// github.com/kardianos/service. It parses flags of its own, which determine what the
// definition starts, after service.New. It has templates in the syntax used up to 1.2.4 and a
// loop that SIGHUP restarts, and it ends its process after doing what a flag asked for.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

var (
	verb      = flag.String("service", "", "operate on the service")
	config    = flag.String("config", "", "file with the path that it collects to")
	directory = flag.String("config-directory", "", "directory with more")
	name      = flag.String("service-name", "collector", "name of the service")
)

const unit = `[Unit]
Description={{.Description}}
ConditionFileIsExecutable={{.Path|cmdEscape}}
{{range $i, $dep := .Dependencies}}
{{$dep}} {{end}}

[Service]
StartLimitInterval=5
StartLimitBurst=10
ExecStart={{.Path|cmdEscape}}{{range .Arguments}} {{.|cmd}}{{end}}
{{if .ReloadSignal}}ExecReload=/bin/kill -{{.ReloadSignal}} "$MAINPID"{{end}}
{{if and .LogOutput .HasOutputFileSupport -}}
StandardOutput=file:/var/log/{{.Name}}.out
StandardError=file:/var/log/{{.Name}}.err
{{- end}}
{{if gt .LimitNOFILE -1 }}LimitNOFILE={{.LimitNOFILE}}{{end}}
{{if .Config.Option.KillMode}}KillMode={{.Config.Option.KillMode}}{{end}}
Restart=on-failure
RestartForceExitStatus=SIGPIPE

[Install]
WantedBy=multi-user.target
`

const script = `#!/bin/sh
### BEGIN INIT INFO
# Provides:          {{.Path}}
# Required-Start:
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: {{.DisplayName}}
### END INIT INFO
cmd="{{.Path}}{{range .Config.Arguments}} {{.|cmd}}{{end}}"
pid_file=/var/run/{{.Name}}.own
running() { [ -f $pid_file ] && kill -0 $(cat $pid_file) 2>/dev/null; }
case "$1" in
	start) running || { $cmd >>/var/log/{{.Name}}.out 2>>/var/log/{{.Name}}.err & echo $! >$pid_file; } ;;
	stop) running && kill $(cat $pid_file); while running; do sleep 0.1; done; rm -f $pid_file ;;
	restart) $0 stop; $0 start ;;
	status) if running; then echo Running; else echo Stopped; exit 1; fi ;;
esac
`

const runscript = `#!/sbin/openrc-run
supervisor=supervise-daemon
name="{{.DisplayName}}"
command={{.Path|cmdEscape}}
command_args="{{range .Arguments}}{{.}} {{end}}"
output_log=/var/log/{{.Name}}.out
error_log=/var/log/{{.Name}}.err
{{- if gt .LimitNOFILE -1}}
rc_ulimit="-n {{.LimitNOFILE}}"
{{- end}}
`

type program struct {
	stop, done chan struct{}
}

func (p *program) Start(service.Service) error {
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	go p.run()
	return nil
}

func (p *program) Stop(service.Service) error {
	close(p.stop)
	<-p.done
	return nil
}

// run is the loop that SIGHUP restarts.
func (p *program) run() {
	defer close(p.done)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	for {
		collect("%s from %s, %s", *name, *config, *directory)
		select {
		case s := <-signals:
			if s == syscall.SIGTERM { // Stop is called for it, too
				collect("terminated")
				signals = nil
				continue
			}
			collect("hung up")
		case <-p.stop:
			collect("stopped")
			return
		}
	}
}

// collect writes a line to the file that the configuration names.
func collect(format string, args ...any) {
	path, err := os.ReadFile(*config)
	if err != nil {
		log.Fatal(err)
	}
	f, err := os.OpenFile(strings.TrimSpace(string(path)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	_, _ = fmt.Fprintf(f, format+"\n", args...)
}

func main() {
	kardianos.Adopt()
	flag.Parse()
	c := &service.Config{
		Name: *name, DisplayName: "The Collector", Description: "Collects data, and publishes it.",
		Dependencies: []string{"After=network-online.target"},
		Option: service.KeyValue{
			"SystemdScript": unit, "SysvScript": script, "OpenRCScript": runscript,
			"KillMode": "mixed", "LogOutput": true, "LimitNOFILE": 4096, "ReloadSignal": "HUP",
		},
	}
	s, err := service.New(&program{}, c)
	if err != nil {
		log.Fatal("E! " + err.Error())
	}
	if *verb != "" {
		if *config != "" {
			c.Arguments = []string{"--config", *config}
		}
		if *directory != "" {
			c.Arguments = append(c.Arguments, "--config-directory", *directory)
		}
		c.Arguments = append(c.Arguments, "--service-name", *name)
		if err := service.Control(s, *verb); err != nil {
			log.Fatal("E! " + err.Error())
		}
		os.Exit(0) //nolint:forbidigo // as such agents do
	}
	logger, err := s.Logger(nil)
	if err != nil {
		log.Fatal("E! " + err.Error())
	}
	if err := s.Run(); err != nil {
		_ = logger.Error("E! " + err.Error())
	}
}
