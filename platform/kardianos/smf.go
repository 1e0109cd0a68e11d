package kardianos

import (
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// manifest returns a manifest for SMF: see smf_method(7) and svc.startd(8). The library's own
// manifest starts the program without arguments, and stops every process that has its path in
// its command line. Here the program is the method itself ("child"), so that SMF sees its end.
// In a method, % begins a token.
func manifest(t task, stop time.Duration) string {
	seconds := int((stop + platform.StopMargin + time.Second - 1) / time.Second)
	name := html.EscapeString(t.ID.id().String())
	return fmt.Sprintf(`<?xml version="1.0"?>
<!DOCTYPE service_bundle SYSTEM "/usr/share/lib/xml/dtd/service_bundle.dtd.1">
<service_bundle type='manifest' name='holdfast-%[1]s'>
<service name='application/%[1]s' type='service' version='1'>
	<create_default_instance enabled='false' />
	<single_instance />
	<dependency name='network' grouping='require_all' restart_on='none' type='service'>
		<service_fmri value='svc:/milestone/network:default' />
	</dependency>
	<dependency name='filesystem-local' grouping='require_all' restart_on='none' type='service'>
		<service_fmri value='svc:/system/filesystem/local:default' />
	</dependency>
	<exec_method type='method' name='start' exec='%[2]s' timeout_seconds='0'>
		<method_context working_directory='%[3]s' />
	</exec_method>
	<exec_method type='method' name='stop' exec=':kill' timeout_seconds='%[4]d' />
	<property_group name='startd' type='framework'>
		<propval name='duration' type='astring' value='child' />
	</property_group>
	<stability value='Unstable' />
	<template>
		<common_name><loctext xml:lang='C'>%[5]s</loctext></common_name>
	</template>
</service>
</service_bundle>
`, name, html.EscapeString(strings.ReplaceAll(strings.Join(t.Exec, " "), "%", "%%")), html.EscapeString(t.Dir), seconds, strings.ReplaceAll(html.EscapeString(t.Describe), "{{", "{ {"))
}
