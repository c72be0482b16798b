#!/bin/sh
# Starts the system and takes one real order through the saga: what `make run` shows.
set -eu
pizzactl=$1

"$pizzactl" up

# A customer is left alone with one question: is it paid?  The order goes in through the HTTP API.
order=$("$pizzactl" order create --item margherita:large:2 --name "First Customer" --email first@example.org \
	--phone +7-900-123-45-67 --address "1 Oven Lane" -o name)
"$pizzactl" saga wait "$order" --for paid --timeout 60s -o none
echo "Paid. It is ready as soon as an oven is hot and has baked it, some seconds from now."
"$pizzactl" saga wait "$order" --for ready --timeout 60s -o none || echo "It is not ready yet: $pizzactl kitchen status"
echo
"$pizzactl" saga show "$order"

cat <<END

The system goes on running. Next:
  $pizzactl status              what runs, and how it is
  $pizzactl kitchen status      the ovens, and what bakes in them
  $pizzactl saga follow         sagas as they happen (place orders in another terminal)
  $pizzactl down                stop everything
END
