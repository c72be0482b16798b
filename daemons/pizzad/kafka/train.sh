#!/bin/sh
# train.sh LIBS: makes LIBS.jsa, an archive of the classes that Kafka loads when it starts, so that each start takes a third
# less time and half the CPU (JEP 350).  For that a broker runs once for a few seconds, with its data in a temporary folder.
# Made anew when Java has changed; without it Kafka starts as well, only slower, so no failure here is an error.
set -eu

libs=$1
java=$(readlink -f "${JAVA_HOME:+$JAVA_HOME/bin/}java" 2>/dev/null || true)
[ -x "$java" ] || java=$(readlink -f "$(command -v java || echo /nonexistent)" || true)
[ -x "$java" ] || exit 0
stamp=$(stat -c '%n %Y' "$java")
[ "$(cat "$libs.jsa.java" 2>/dev/null)" = "$stamp" ] && exit 0

tmp=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill -9 $broker 2>/dev/null || true; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
port=$((10000 + $$ * 2 % 20000))

cat >"$tmp/server.properties" <<X
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$tmp/data
X
cat >"$tmp/log4j2.xml" <<X
<Configuration status="ERROR"><Appenders><Console name="out" target="SYSTEM_OUT"><PatternLayout pattern="%m%n"/></Console>
</Appenders><Loggers><Root level="INFO"><AppenderRef ref="out"/></Root></Loggers></Configuration>
X

echo "Preparing Kafka's classes for quick starts (once)"
options="-XX:+UseSerialGC -XX:-UsePerfData -Dlog4j2.configurationFile=$tmp/log4j2.xml"
# shellcheck disable=SC2086
"$java" $options -XX:TieredStopAtLevel=1 -cp "$libs/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA \
	-c "$tmp/server.properties" >"$tmp/log" 2>&1 || exit 0
# shellcheck disable=SC2086
"$java" $options -Xmx512m -XX:ArchiveClassesAtExit="$tmp/new.jsa" -cp "$libs/*" kafka.Kafka "$tmp/server.properties" \
	>"$tmp/log" 2>&1 &
broker=$!
for _ in $(seq 600); do
	grep -q 'Kafka Server started' "$tmp/log" && break
	kill -0 $broker 2>/dev/null || exit 0
	sleep 0.2
done
kill $broker 2>/dev/null || true
wait $broker || true
broker=
if [ -s "$tmp/new.jsa" ]; then
	cp "$tmp/new.jsa" "$libs.jsa.$$" && mv "$libs.jsa.$$" "$libs.jsa" && echo "$stamp" >"$libs.jsa.java"
fi
exit 0
