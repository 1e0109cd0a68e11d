#!/bin/sh
# page.sh URL HEADER_FILE: takes an alarm to a pager's HTTP interface, for programs without service/alarm/webhook.
# HEADER_FILE has the line "Authorization: Bearer ...", mode 0600: in the arguments everybody could read it.
set -eu
url=${1:?usage: page.sh URL HEADER_FILE}
header=${2:?usage: page.sh URL HEADER_FILE}
exec curl --silent --show-error --fail --max-time 20 --max-redirs 0 --output /dev/null \
	--header "@$header" --header 'Content-Type: application/json' --header "Idempotency-Key: $HOLDFAST_ALARM_ID" \
	--data-binary @- "$url"
