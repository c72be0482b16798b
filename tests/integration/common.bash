# Shared by the live tests: a system is up; PIZZA_HOME, PIZZA_PORT_BASE and PIZZACTL say where.
. "$(dirname "${BASH_SOURCE[0]}")/../common.bash"

api=http://127.0.0.1

url() { # url DAEMON-OFFSET PATH
	echo "$api:$((PIZZA_PORT_BASE + $1))$2"
}

token() { cat "$PIZZA_HOME/operator.token"; }

# http METHOD URL [BODY] [CURL-ARG…]: the body in $output, the status in $code, headers in $headers.
http() {
	local method=$1 to=$2 body=${3-}
	shift 2
	[ $# -gt 0 ] && shift
	headers=$BATS_TEST_TMPDIR/headers
	output=$(curl -sS -D "$headers" -X "$method" -H 'Content-Type: application/json' \
		${body:+--data-binary "$body"} "$@" "$to")
	code=$(awk '/^HTTP/ { c = $2 } END { print c }' "$headers")
}

sql() { # sql DATABASE STATEMENT
	psql -X -A -t -q -h "$PIZZA_HOME/run" -d "$1" -c "$2"
}

sql_is() { # sql_is DATABASE STATEMENT VALUE
	[ "$(sql "$1" "$2")" = "$3" ]
}

# The order is paid, wherever the kitchen has brought it since.
paid() { sql_is pizza_order "SELECT status IN ('paid', 'cooking', 'ready') FROM orders WHERE order_id = '$1'" t; }

# Many pizzas take the kitchen some rounds: such an order is not ready before somebody cancels it.
MANY=100
order() { # order [PAYMENT-METHOD] [PIZZA] [QUANTITY]: the new order's id
	"$PIZZACTL" order create --item "${2:-margherita}:large:${3:-1}" --name "Test" --email test@example.org \
		--phone +79001234567 --address "1 Test Street" --payment-method "${1:-card}" -o name
}
