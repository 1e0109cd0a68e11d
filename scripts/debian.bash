# shellcheck shell=bash
# debian.bash installs what Go does not bring along. It is sourced.

# need PROGRAM PACKAGE... makes sure that a program is there: as root on Debian it installs the packages, anywhere else it
# says, on standard output, what is missing and how to get it, and returns 1.
need() {
	local program=$1
	shift
	if command -v "$program" >/dev/null; then
		return 0
	fi
	if [[ $(id -u) != 0 || ! -f /etc/debian_version ]]; then
		printf '%s is missing: install it (Debian: sudo apt-get install %s)\n' "$program" "$*"
		return 1
	fi
	# A fresh image has no package lists, so update always; the lock may be held by whatever else boots this machine.
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@" &&
		command -v "$program" >/dev/null
}

# take PROGRAM PACKAGE is need for one program of a package that would begin a service if it were installed: it is taken
# out of the package, into /usr/local/bin.
take() {
	local program=$1 package=$2 dir
	if command -v "$program" >/dev/null; then
		return 0
	fi
	if [[ $(id -u) != 0 || ! -f /etc/debian_version ]]; then
		printf '%s is missing: it is in Debian'\''s package %s\n' "$program" "$package"
		return 1
	fi
	dir=$(mktemp -d) || return 1
	# apt downloads as a user of its own, who may not write there otherwise.
	chmod 0755 "$dir"
	(
		cd "$dir" &&
			DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o APT::Sandbox::User=root update &&
			apt-get -q -o APT::Sandbox::User=root download "$package" &&
			dpkg -x "$package"_*.deb . &&
			install -m 0755 "usr/bin/$program" "/usr/local/bin/$program"
	)
	rm -rf "$dir"
	command -v "$program" >/dev/null
}
