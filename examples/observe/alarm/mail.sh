#!/bin/sh
# mail.sh TO [SENDMAIL]: sends an alarm by mail. Anything that understands `sendmail -t` will do: msmtp, Postfix, Exim.
# The service's user needs what that one needs (~/.msmtprc, mode 0600, for msmtp).
set -eu
to=${1:?usage: mail.sh TO [SENDMAIL]}
sendmail=${2:-/usr/sbin/sendmail}

# A header is one line, whatever the alarm is about.
line() { printf '%s' "$1" | tr -d '\000-\037\177' | cut -c 1-200; }

{
	printf 'To: %s\n' "$(line "$to")"
	printf 'Subject: [%s] %s %s on %s\n' "$(line "$HOLDFAST_ALARM_SERVICE")" "$(line "$HOLDFAST_ALARM_KIND")" \
		"$(line "$HOLDFAST_ALARM_SUBJECT")" "$(line "$HOLDFAST_ALARM_HOST")"
	# The id makes a mail that arrives twice one.
	printf 'Message-ID: <%s.%s@%s>\n' "$(line "$HOLDFAST_ALARM_SERVICE")" "$(line "$HOLDFAST_ALARM_ID")" "$(line "$HOLDFAST_ALARM_HOST")"
	printf 'Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n'
	printf '%s\n\n' "$HOLDFAST_ALARM_TEXT"
	printf '%s times, from %s to %s\n\n' "$HOLDFAST_ALARM_COUNT" "$HOLDFAST_ALARM_FIRST" "$HOLDFAST_ALARM_LAST"
	cat # the alarm as JSON
} | "$sendmail" -t -i
