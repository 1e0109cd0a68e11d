package sockets

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

func holders(a platform.SocketAddress) (all []Holder) {
	inodes := listening(a)
	if len(inodes) == 0 {
		return nil
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err != nil || !slices.Contains(inodes, strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")) {
			continue
		}
		process := filepath.Dir(filepath.Dir(link))
		pid, err := strconv.Atoi(filepath.Base(process))
		if err != nil || slices.ContainsFunc(all, func(h Holder) bool { return h.PID == pid }) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(process, "comm"))
		all = append(all, Holder{pid, strings.TrimSpace(string(name))})
	}
	return all
}

// States of sockets in /proc/net, as the kernel has them: TCP_LISTEN, a bound socket of UDP
// (TCP_CLOSE), and __SO_ACCEPTCON of a unix socket. TCP_SYN_RECV is who has yet to confirm.
const (
	tcpListens   = "0A"
	tcpHandshake = "03"
	udpBound     = "07"
	unixListens  = "00010000"
)

// listening returns the inodes of the sockets that exclude another one at a.
func listening(a platform.SocketAddress) (inodes []string) {
	if a.Network == "unix" {
		if file := a.File(); file != "" && !bound(context.Background(), file) {
			return nil // who has the name has it elsewhere
		}
		eachLine("/proc/net/unix", func(f []string) { // Num RefCount Protocol Flags Type St Inode Path
			if len(f) == 8 && f[3] == unixListens && f[7] == a.Path {
				inodes = append(inodes, f[6])
			}
		})
		return inodes
	}
	state := tcpListens
	if a.Network == "udp" {
		state = udpBound
	}
	for _, file := range []string{"/proc/net/" + a.Network, "/proc/net/" + a.Network + "6"} {
		eachLine(file, func(f []string) { // sl local_address rem_address st ... inode: proc_net_tcp(5)
			if len(f) < 10 || f[3] != state {
				return
			}
			at, ok := parseAddress(f[1])
			wide := !a.Host.IsValid() || a.Host.IsUnspecified() || at.Addr().IsUnspecified()
			if ok && at.Port() == a.Port && (wide || at.Addr() == a.Host.WithZone("")) {
				inodes = append(inodes, f[9])
			}
		})
	}
	return inodes
}

func eachLine(file string, visit func(fields []string)) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); { // there may be a million connections
		visit(strings.Fields(lines.Text()))
	}
}

// parseAddress reads "0100007F:1F90": words of four bytes, each in the byte order of the machine.
func parseAddress(text string) (netip.AddrPort, bool) {
	host, digits, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	port, e := strconv.ParseUint(digits, 16, 16)
	if err != nil || e != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(b, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	ip, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip.Unmap(), uint16(port)), ok
}
