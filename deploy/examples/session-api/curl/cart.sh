#!/bin/sh
# A cart as a CGI program: what it keeps of a visitor is in coatcheck's session, by curl.
#   SESSION_API=http://127.0.0.1:9092
set -eu

api() { # METHOD PATH [curl options]: the body, then the status in a line of its own
	method=$1 path=$2
	shift 2
	# The token comes on standard input: arguments can be read by everybody on the machine.
	printf 'header = "Authorization: Bearer %s"\n' "$HTTP_X_SESSION_TOKEN" |
		curl --silent --show-error --max-time 10 --config - --request "$method" --write-out '\n%{http_code}\n' "$@" "$SESSION_API$path"
}

read_cart() { # sets cart and its etag
	headers=$(mktemp)
	answer=$(api GET /session/cart --dump-header "$headers")
	etag=$(sed -n 's/^[Ee][Tt][Aa][Gg]: *\(.*\)\r$/\1/p' "$headers")
	rm -f "$headers"
	case $(printf '%s' "$answer" | tail -n 1) in
	200) cart=$(printf '%s' "$answer" | head -n 1) condition="If-Match: $etag" ;;
	404) cart='[]' condition='If-None-Match: *' ;;
	*) printf 'Status: 503 Service Unavailable\n\nno session\n'; exit 0 ;;
	esac
}

add() { # one item; again, if another request was faster
	while :; do
		read_cart
		list=${cart%]}
		[ "$list" = '[' ] || list="$list,"
		status=$(api PUT /session/cart --header "$condition" --data "$list\"$1\"]" | tail -n 1)
		[ "$status" = 412 ] || break
	done
}

if [ "$REQUEST_METHOD" = POST ]; then
	item=$(printf '%s' "${QUERY_STRING#item=}" | tr -cd 'a-z') # letters need no escapes in JSON
	add "$item"
	printf 'Status: 303 See Other\nLocation: /\n\n'
	exit 0
fi
read_cart
printf 'Content-Type: text/plain; charset=utf-8\n\nuser: %s\ncart: %s\n' "${HTTP_REMOTE_USER:--}" "$cart"
