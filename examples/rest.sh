#!/bin/sh
# Ask the gateway with curl: log in, then a book, the spread of its last windows as CSV, the newest alerts.
#
#     sh examples/rest.sh binance:BTCUSDT
#
# Environment: GATEWAY_USER, GATEWAY_PASSWORD, API_URL (http://127.0.0.1:8000). Needs: curl, and `depthflow serve`.
set -eu
url=${API_URL:-http://127.0.0.1:8000}
book=${1:-binance:BTCUSDT}
path=${book%%:*}/${book#*:}

# The body comes from standard input: arguments of a command are visible to other users.
token=$(
  curl --silent --show-error --fail-with-body "$url/api/auth/login" -H 'Content-Type: application/json' --data @- <<BODY |
{"username": "$GATEWAY_USER", "password": "$GATEWAY_PASSWORD"}
BODY
    sed 's/.*"token":"\([^"]*\)".*/\1/'
)

get() {
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --silent --show-error --fail-with-body --config - "$url$@"
  echo
}

get "/api/books/$path"
printf 'header = "Authorization: Bearer %s"\nheader = "Accept: text/csv"\n' "$token" |
  curl --silent --show-error --fail-with-body --config - "$url/api/books/$path/history?resolution=1s&limit=3"
get "/api/alerts?limit=3"
