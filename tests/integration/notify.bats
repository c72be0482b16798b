#!/usr/bin/env bats
# Messages on a live system: they arrive, refusals are final, what is sent again is sent again.

load common

notifications() { url 4 "/api/v1/notifications$1"; }

operator() { # operator METHOD PATH BODY
	http "$1" "$(notifications "$2")" "$3" -H "Authorization: Bearer $(token)"
}

# The status of a notification and of its only delivery.
is() { # is ID STATUS
	[ "$(curl -sS "$(notifications "/$1")" | jq -r '.status + " " + .deliveries[0].status')" = "$2 $2" ]
}

send() { # send BODY: the new notification's id
	operator POST "" "$1"
	[ "$code" = 201 ] || return 1
	id=$(jq -r .notification_id <<<"$output")
}

@test "an order's messages reach the Maildir and the SMS provider" {
	id=$(order)
	"$PIZZACTL" saga wait "$id" --for paid --timeout 60s
	eventually 60 sql_is pizza_notify "SELECT string_agg(n.kind || ' ' || d.channel || ' ' || d.status, ', ' ORDER BY n.kind, d.channel)
		FROM notifications n JOIN deliveries d USING (notification_id) WHERE n.order_id = '$id'" \
		"order_created email sent, order_created sms sent, payment_completed email sent, payment_completed sms sent"
	mail=$(sql pizza_notify "SELECT notification_id FROM notifications WHERE order_id = '$id' AND kind = 'order_created'").email
	grep -q "^Message-ID: <$mail@pizza>" "$PIZZA_HOME/mail/new/$mail"
	grep -q "^To: test@example.org" "$PIZZA_HOME/mail/new/$mail"
	grep -q "Order number: $id" "$PIZZA_HOME/mail/new/$mail"
	eventually 60 sql_is pizza_console \
		"SELECT count(*) FROM events WHERE order_id = '$id' AND event_type = 'NotificationSent'" 2
}

@test "a message without a contact is recorded and skipped" {
	id=$("$PIZZACTL" order create --item margherita --address "1 Test Street" -o name)
	eventually 60 sql_is pizza_notify "SELECT status FROM notifications WHERE order_id = '$id' AND kind = 'order_created'" skipped
}

@test "no header can be smuggled into a mail" {
	send '{"channel":"email","address":"bob@example.org","subject":"a\r\nBcc: all@example.org","body":"b"}'
	eventually 60 is "$id" sent
	run grep -ci '^bcc' "$PIZZA_HOME/mail/new/$id.email"
	[ "$output" = 0 ]
	operator POST "" '{"channel":"email","address":"bob@example.org\r\nBcc: x@example.org","subject":"a","body":"b"}'
	[ "$code" = 422 ]
}

@test "a number that the provider refuses fails at once" {
	send '{"channel":"sms","address":"+15005550001","body":"nobody there"}'
	eventually 60 is "$id" failed
	sql_is pizza_notify "SELECT attempts FROM deliveries WHERE notification_id = '$id'" 1
	[[ $(sql pizza_notify "SELECT error FROM deliveries WHERE notification_id = '$id'") == 21211* ]]
	eventually 60 sql_is pizza_console "SELECT count(*) FROM events WHERE event_type = 'NotificationFailed' AND aggregate_id = '$id'" 1
}

@test "resend sends again, under a name of its own" {
	send '{"channel":"email","address":"bob@example.org","subject":"twice","body":"b"}'
	eventually 60 is "$id" sent
	http POST "$(notifications "/$id/resend")" ''
	[ "$code" = 401 ]
	operator POST "/$id/resend" '{}'
	[ "$code" = 202 ]
	eventually 60 is "$id" sent
	[ -f "$PIZZA_HOME/mail/new/$id.email" ] && [ -f "$PIZZA_HOME/mail/new/$id.email.r1" ]
}

@test "a template with a wrong placeholder is refused and named" {
	operator PUT /templates '{"kind":"order_ready","channel":"sms","body":"{{nmae}}"}'
	[ "$code" = 422 ]
	[[ $output == *nmae* ]]
	[ "$(curl -sS "$(notifications /templates)" | jq '.items | length')" -ge 11 ]
}

@test "a list by a status that there is not is refused" {
	http GET "$(notifications "?status=nope")"
	[ "$code" = 400 ]
	jq -e '.detail | contains("waiting, pending, sent, failed or skipped")' <<<"$output"
	run "$PIZZACTL" notify ls --status nope
	[ "$status" = 2 ]
	"$PIZZACTL" notify ls --status skipped -o json | jq -e 'all(.status == "skipped")'
}
