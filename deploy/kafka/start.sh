#!/bin/bash
# Start the broker as the image apache/kafka does: KAFKA_A_B=x means a.b=x (two underscores mean one, three mean a hyphen), CLUSTER_ID
# names the cluster of a data folder that is still empty. Settings not given come from server.properties beside this file.
set -euo pipefail

config=/opt/kafka/config/server.properties
data=${KAFKA_LOG_DIRS:-${KAFKA_LOG_DIR:-/var/lib/kafka/data}}
unset KAFKA_LOG_DIR
export KAFKA_LOG_DIRS=$data

# A later line of a properties file wins over an earlier one.
cp /etc/kafka/docker/server.properties "$config"
awk 'BEGIN {
  for (variable in ENVIRON) {
    if (variable !~ /^KAFKA_/ || variable ~ /^KAFKA_(HEAP_OPTS|OPTS|JMX|LOG4J|GC)/) continue
    name = tolower(substr(variable, 7))
    gsub(/___/, "-", name); gsub(/__/, "\001", name); gsub(/_/, ".", name); gsub(/\001/, "_", name)
    value = ENVIRON[variable]
    gsub(/\\/, "\\\\", value); gsub(/\n/, "\\n", value)
    printf "\n%s=%s", name, value
  }
}' >>"$config"

if [ ! -e "$data/meta.properties" ]; then
  mkdir -p "$data"
  cp -r /opt/kafka/template/. "$data/"
  sed -i "s/^cluster.id=.*/cluster.id=${CLUSTER_ID:-4L6g3nShT-eMCtK--X86sw}/" "$data/meta.properties"
fi

# shellcheck disable=SC2086  # options are meant to be split
exec java -XX:SharedArchiveFile=/opt/kafka/kafka.jsa -XX:-UsePerfData -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
  ${KAFKA_HEAP_OPTS:--Xms256m -Xmx512m} ${KAFKA_OPTS:-} \
  -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
  -cp "$(printf '%s:' /opt/kafka/libs/*.jar)" kafka.Kafka "$config"
