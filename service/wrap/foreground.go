package wrap

import (
	"path/filepath"
	"strings"
)

// foreground returns the end of an error that says how a program is kept in the foreground. For known
// programs this is what their manuals say.
func foreground(program string) string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	for known, how := range map[string]string{
		"nginx":             `-g "daemon off;"`,
		"redis-server":      "--daemonize no",
		"valkey-server":     "--daemonize no",
		"apache2":           "-D FOREGROUND",
		"httpd":             "-D FOREGROUND",
		"lighttpd":          "-D",
		"haproxy":           "-db, or -W without -D",
		"mongod":            "without --fork",
		"memcached":         "without -d",
		"sshd":              "-D",
		"cron":              "-f",
		"crond":             "-n (busybox: -f)",
		"rsyslogd":          "-n",
		"named":             "-f",
		"unbound":           "-d",
		"dnsmasq":           "-k",
		"chronyd":           "-d",
		"ntpd":              "-n",
		"stunnel":           "foreground = yes",
		"stunnel4":          "foreground = yes",
		"snmpd":             "-f",
		"smbd":              "-F",
		"nmbd":              "-F",
		"slapd":             "-d 0",
		"exim4":             "-bdf",
		"squid":             "-N",
		"varnishd":          "-F",
		"php-fpm":           "-F",
		"uwsgi":             "without --daemonize",
		"gunicorn":          "without --daemon",
		"celery":            "without --detach",
		"pg_ctl":            "postgres -D DIRECTORY instead",
		"postgres":          "run it directly: it stays in the foreground, unlike pg_ctl and pg_ctlcluster",
		"pg_ctlcluster":     "--foreground",
		"mysqld":            "without --daemonize",
		"mariadbd":          "without --daemonize",
		"mysqld_safe":       "mysqld instead",
		"supervisord":       "-n",
		"openvpn":           "without --daemon",
		"keepalived":        "-n",
		"zabbix_agentd":     "-f",
		"zabbix_server":     "-f",
		"telegraf":          "without --daemon",
		"collectd":          "-f",
		"inetd":             "-i",
		"xinetd":            "-dontfork",
		"vsftpd":            "-obackground=NO",
		"proftpd":           "-n",
		"pure-ftpd":         "without -B",
		"dhcpd":             "-f",
		"dovecot":           "-F",
		"atd":               "-f",
		"start-stop-daemon": "the program itself instead",
	} {
		if known == name {
			return ": " + how
		}
	}
	if strings.HasPrefix(name, "php-fpm") {
		return ": -F"
	}
	return " (its manual may call that -f, -F, -n, --foreground or --nodaemon)"
}
