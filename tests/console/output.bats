# What every list and show writes, in every form, on terminals and elsewhere, read by independent parsers (formats.py).

setup_file() {
	[ -S "${PIZZA_HOME:-}/run/pizzad.sock" ] || skip "no system is up"
	ORDER=$("$PIZZACTL" order create --item margherita:large:2 --item diavola --name 'Eve ピザ' --email eve@example.org \
		--phone +7-900-123-45-67 --address "1 Test Street" --wait ready --timeout 60s -o name) # nothing of it moves any more
	export ORDER
}

formats() { /usr/bin/python3 "$BATS_TEST_DIRNAME/formats.py" "$1"; }

@test "every form of every list and show is read back" { formats forms; }

@test "--where, --sort and --limit choose what python chooses" { formats choosing; }

@test "hostile texts come back whole, and do no harm to terminals" { formats hostile; }

@test "on a terminal: width, wide characters, colours, pager, --watch" { formats terminal; }

@test "streams go on after any end without a gap and without repeating" { formats follow; }

@test "--watch elsewhere appends what has changed" { formats watch; }
