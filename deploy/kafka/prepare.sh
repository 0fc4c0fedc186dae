#!/bin/bash
# Make, while the image is built, what lets a broker start in about a second: a formatted data folder to copy and an archive of the
# classes that a start loads.
set -euo pipefail

work=$(mktemp -d)
classpath=$(printf '%s:' /opt/kafka/libs/*.jar)
{
  cat /etc/kafka/docker/server.properties
  printf '%s\n' listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093 controller.quorum.voters=1@127.0.0.1:9093
} >"$work/server.properties"

# The cluster id is a placeholder: start.sh writes the real one.
java -cp "$classpath" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c <(
  cat "$work/server.properties"
  echo "log.dirs=/opt/kafka/template"
) >/dev/null

cp -r /opt/kafka/template "$work/data"
echo "log.dirs=$work/data" >>"$work/server.properties"
java -XX:ArchiveClassesAtExit=/opt/kafka/kafka.jsa -Xms256m -Xmx512m -XX:+UseSerialGC -cp "$classpath" \
  kafka.Kafka "$work/server.properties" >"$work/log" 2>&1 &
broker=$!
for _ in $(seq 1 300); do
  grep -q 'Kafka Server started' "$work/log" && break
  kill -0 "$broker" || { cat "$work/log" >&2; exit 1; }
  sleep 0.2
done
kill -TERM "$broker"
wait "$broker" || true
[ -s /opt/kafka/kafka.jsa ] || { cat "$work/log" >&2; exit 1; }
rm -rf "$work"
