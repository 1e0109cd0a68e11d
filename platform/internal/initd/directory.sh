# NAME MODE: a directory of the service, in one that only root can write to. What
# another user's service has left in it becomes this one's.
directory() {
	mkdir -p "$1" || return 1
	[ -n "$(find "$1" -prune -user @USER@)" ] || chown -Rh @OWNER@ "$1" || return 1
	chown @OWNER@ "$1" && chmod "$2" "$1"
}
