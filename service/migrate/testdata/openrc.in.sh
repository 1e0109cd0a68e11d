#!/sbin/openrc-run
supervisor=supervise-daemon
name="Feeds"
description="Feeds everybody"
command=/usr/bin/feedd
command_args="run -v"
command_user="feed"
respawn_delay=3
respawn_max=4
respawn_period=60
directory=/srv/feed
depend() {
	need net postgresql
	use logger dns
	before mail
}
