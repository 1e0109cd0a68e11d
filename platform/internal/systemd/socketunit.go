package systemd

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// A SocketUnit is the file of a socket unit.
type SocketUnit struct {
	Name    string
	Content []byte
}

// A socket unit may start the service triggerBurst times within triggerInterval, and then
// fails. From 255 on, systemd also stops looking at a socket for a while after 15 connections
// in 2 seconds (PollLimitBurst=). If that limit were hit first, as with systemd's default of
// 20 in 2 seconds for the other one, a service that ends at once would be started for ever.
const (
	triggerBurst    = 10
	triggerInterval = 10 * time.Second
)

// socketUnits returns the names of the socket units of u. A unit gives all its descriptors one
// name, and one set of options, so each socket has its own. A colon is in no name of a service.
func socketUnits(u platform.Unit) []string {
	if u.Activation != platform.ActivationSocket {
		return nil
	}
	names := make([]string, len(u.Sockets))
	for i, s := range u.Sockets {
		names[i] = firstSocketUnit(u.ID)
		if i > 0 {
			names[i] = u.ID.String() + ":" + s.Name + ".socket"
		}
	}
	return names
}

func firstSocketUnit(id platform.ID) string { return id.String() + ".socket" }

// activation sets what ties the service to its socket units. Sockets= is also where later
// commands find their names. Requires= is in order: a stop of a socket is one of the service.
func activation(f *unitFile, u platform.Unit) {
	if u.Activation == "" {
		return
	}
	if err := platform.OneOf(u.Activation, platform.Activations()); err != nil {
		f.Refuse("activation", "%w", err)
		return
	}
	f.RefuseIf(len(u.Sockets) == 0, "activation", "%q: there is no [[service.socket]]", u.Activation)
	f.RefuseIf(u.RootDirectory != "", "activation", "%q: systemd would create the socket files outside root_directory", u.Activation)
	f.RefuseIf(u.Systemd.PreserveSockets, "systemd.preserve_sockets", "true: a socket unit stops with the service, or the next connection would start it again")
	f.list("Sockets", "socket", socketUnits(u), func(name string) (string, error) { return unitName(name, ".socket") })
}

// RenderSockets returns the socket units of u, in the order of its sockets. There are none
// without [platform.ActivationSocket]. The errors are those of Render.
//
// Each is PartOf= the others, so that systemd stops all of them, and the service, in one
// transaction. Between two, a connection to the second socket would start the service again,
// and cancel the stop of the first.
func RenderSockets(u platform.Unit) ([]SocketUnit, error) {
	u = u.WithDefaults()
	var units []SocketUnit
	var errs []error
	names := socketUnits(u)
	for i, name := range names {
		var f unitFile
		f.text.WriteString(mark + ": the next install or uninstall replaces this file. For changes of your own: " + edit(u.Scope, name) + "\n")
		f.section("Unit")
		f.say("Description", "description", fmt.Sprintf("%s, socket %q", u.Description, u.Sockets[i].Name), text)
		others := slices.DeleteFunc(slices.Clone(names), func(other string) bool { return other == name })
		f.list("PartOf", "socket", others, func(name string) (string, error) { return unitName(name, ".socket") })
		f.section("Socket")
		socketSection(&f, u, i)
		f.section("Install")
		f.set("WantedBy", "sockets.target")
		errs = append(errs, f.Err("systemd unit "+name, u.ID))
		units = append(units, SocketUnit{name, []byte(f.text.String())})
	}
	return units, errors.Join(errs...)
}

func socketSection(f *unitFile, u platform.Unit, i int) {
	s := u.Sockets[i]
	field := func(key string) string { return fmt.Sprintf("socket.%d.%s", i+1, key) }
	at, err := s.Address()
	if err != nil {
		f.Refuse(field("listen"), "%w", err)
		return
	}
	kind := "ListenStream"
	if at.Network == "udp" {
		kind = "ListenDatagram"
	}
	f.RefuseIf(at.Network != "unix" && at.Port == 0, field("listen"), "%q: systemd does not choose a port: name one", s.Listen)
	f.say(kind, field("listen"), listenValue(at), text)
	f.set("FileDescriptorName", s.Name)
	f.set("Service", unit(u.ID))
	if !at.Host.IsValid() && at.Network != "unix" || at.Host == netip.IPv6Unspecified() {
		only := "both"
		if s.IPv6Only {
			only = "ipv6-only"
		}
		f.set("BindIPv6Only", only)
	}
	f.number("Backlog", uint64(max(0, s.Backlog))) //nolint:gosec // not negative
	for _, option := range []struct {
		key string
		on  bool
	}{{"ReusePort", s.ReusePort}, {"FreeBind", s.FreeBind}, {"KeepAlive", s.KeepAlive > 0}} {
		if option.on {
			f.set(option.key, "yes")
		}
	}
	if s.KeepAlive > 0 {
		f.span("KeepAliveTimeSec", field("keep_alive"), s.KeepAlive)
		f.span("KeepAliveIntervalSec", field("keep_alive"), s.KeepAlive)
	}
	if at.File() != "" {
		socketFile(f, u, s, at, field)
	}
	f.set("TriggerLimitIntervalSec", span(triggerInterval))
	f.set("TriggerLimitBurst", strconv.Itoa(triggerBurst))
}

// listenValue returns an address as systemd.socket(5) has it.
func listenValue(a platform.SocketAddress) string {
	switch {
	case a.Network == "unix":
		return a.Path
	case !a.Host.IsValid():
		return strconv.Itoa(int(a.Port))
	case a.Host.Zone() != "":
		return netip.AddrPortFrom(a.Host.WithZone(""), a.Port).String() + "%" + a.Host.Zone()
	}
	return a.Dial()
}

// socketFile sets the mode and the owner of the file, from its first moment on.
func socketFile(f *unitFile, u platform.Unit, s platform.Socket, at platform.SocketAddress, field func(string) string) {
	mode, err := s.FileMode()
	f.RefuseIfNot(field("mode"), err)
	f.set("SocketMode", fmt.Sprintf("%04o", mode.Perm()))
	f.set("RemoveOnStop", "yes")
	if u.Scope == platform.ScopeUser {
		f.RefuseIf(s.Owner != "", field("owner"), "%q: cannot be set for a user service", s.Owner)
		f.RefuseIf(s.Group != "", field("group"), "%q: cannot be set for a user service", s.Group)
		return
	}
	for _, x := range []struct{ key, field, own, usual string }{
		{"SocketUser", "owner", s.Owner, u.User}, {"SocketGroup", "group", s.Group, u.Group},
	} {
		value := x.own
		if value == "" {
			value = x.usual
		}
		f.say(x.key, field(x.field), value, account)
		// Whoever makes this directory first, systemd gives all that is in it to the service's user.
		inside := u.RuntimeDir == "" && within(at.File(), path.Join("/run", u.ID.String()))
		f.RefuseIf(x.own != "" && x.own != x.usual && inside && !slices.Contains([]string{"", "root", "0"}, u.User), field(x.field),
			"%q: systemd gives the files in /run/%s to the service's user: listen elsewhere", x.own, u.ID)
	}
}

// sameSocket reports whether two socket units listen in the same way. What is outside of
// [Socket] takes effect without a restart of the unit.
func sameSocket(a, b []byte) bool {
	section := func(content []byte) string {
		_, rest, _ := strings.Cut(string(content), "\n[Socket]\n")
		rest, _, _ = strings.Cut(rest, "\n[")
		return rest
	}
	return section(a) == section(b)
}
