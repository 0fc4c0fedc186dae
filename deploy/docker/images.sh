#!/usr/bin/env bash
# Build every image that docker-compose.yml names, without pulling any: from Debian packages, Maven jars and Python wheels.
#
#   images.sh [base|kafka|worker|all]
#
# With a registry at hand this is not needed: `docker compose up --build` pulls what it lacks.
# The base is kept once it is there. The broker is built anew when what it is made of has changed; one that was pulled is kept.
set -euo pipefail
cd "$(dirname "$0")/../.."

base=privacy-pipeline-base:bookworm
kafka=apache/kafka:$(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' pipeline/testing/kafka/pom.xml)
worker=$(awk '$1 == "image:" && $2 ~ /^privacy-pipeline-worker/ {print $2; exit}' docker-compose.yml)
python=${PYTHON:-.venv/bin/python}

say() { printf 'images: %s\n' "$*" >&2; }
present() { docker image inspect "$1" >/dev/null 2>&1; }
# The builder of every engine since 2013: no plugin needed.
build() { DOCKER_BUILDKIT=0 docker build -q "$@" >/dev/null; }

build_base() {
  if present "$base"; then return; fi
  say "building $base (Debian packages)"
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,openjdk-17-jre-headless,python3,python3-venv bookworm - \
    | docker import --message "Debian with Java 17 and Python 3.11" - "$base" >/dev/null
  # An archive cut short is imported without an error.
  docker run --rm --network none "$base" sh -c 'java -version && python3 -m venv /tmp/venv' >/dev/null 2>&1 || {
    docker rmi "$base" >/dev/null
    say "the base image does not run; is mmdebstrap able to reach the Debian mirror?"
    exit 1
  }
}

build_kafka() {
  local parts=(pipeline/testing/kafka/pom.xml pipeline/testing/kafka/server.properties deploy/kafka/*.sh deploy/kafka/Dockerfile)
  local digest context
  digest=$(cat "${parts[@]}" | sha256sum | cut -c 1-12)
  if present "$kafka"; then
    case "$(docker image inspect --format '{{index .Config.Labels "parts"}}' "$kafka")" in "$digest" | "" | "<no value>") return ;; esac
  fi
  say "building $kafka (Maven jars)"
  context=$(mktemp -d)
  cp "${parts[@]}" "$context"
  (cd "$context" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=lib)
  build --build-arg "BASE=$base" --label "parts=$digest" --tag "$kafka" "$context"
  rm -rf "$context"
}

build_worker() {
  say "building $worker (Python wheels)"
  local machine
  machine=$(uname -m)
  if ! cmp -s requirements/runtime.txt .build/wheels/runtime.txt; then
    rm -rf .build/wheels
    "$python" -m pip download -q --require-hashes --no-deps -r requirements/runtime.txt -d .build/wheels --only-binary=:all: \
      --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
      --platform "manylinux_2_28_$machine" --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine"
    cp requirements/runtime.txt .build/wheels/runtime.txt
  fi
  build --build-arg "BASE=$base" --build-arg "PIP_ARGUMENTS=--no-index --find-links=/wheels" --tag "$worker" .
}

case "${1:-all}" in
  base) build_base ;;
  kafka) build_base; build_kafka ;;
  worker) build_base; build_worker ;;
  all) build_base; build_kafka; build_worker ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
say "done"
