#!/usr/bin/env bash
# Give a Debian or Ubuntu machine a Docker engine with compose v2, and start and stop it.
#
#   engine.sh install         put in place what is missing (apt-get, as root)
#   engine.sh start FOLDER    start dockerd with its data in FOLDER, unless an engine answers already
#   engine.sh stop FOLDER     end the dockerd that `start FOLDER` started, and no other
#
# An engine that already answers is used as it is and never stopped.
set -euo pipefail

say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
answers() { timeout 20 docker info --format '{{.ServerVersion}}' >/dev/null 2>&1; }

# Compose v2 is no package of Debian 12: the binary of Debian 13's package runs there as it is (tried with engines 20.10 and 28.2).
# The next release's index is asked for by a private apt list made from this machine's own one, so the machine's sources stay as they are.
install_compose_from_the_next_release() {
  local folder mirror
  folder=$(mktemp -d)
  mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" {print $1; exit}')
  [ -n "$mirror" ] || fail "compose v2 is no package here: install the Docker compose plugin by hand"
  mkdir -p "$folder/lists/partial" "$folder/archives/partial"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" >"$folder/sources.list"
  local apt=(-q -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$folder/lists"
    -o "Dir::Cache=$folder" -o APT::Sandbox::User=root)
  apt-get "${apt[@]}" update >&2
  (cd "$folder" && apt-get "${apt[@]}" download docker-compose >&2 && dpkg-deb -x docker-compose_*.deb unpacked)
  install -D -m 0755 "$folder/unpacked/usr/libexec/docker/cli-plugins/docker-compose" /usr/local/lib/docker/cli-plugins/docker-compose
  rm -rf "$folder"
}

install_engine() {
  [ "$(id -u)" = 0 ] || fail "installing an engine needs root: run with sudo"
  command -v apt-get >/dev/null || fail "no apt-get here: install Docker by your system's own means"
  local missing=() need
  local needs=(mmdebstrap:mmdebstrap)
  answers || needs+=(dockerd:docker.io iptables:iptables)
  for need in "${needs[@]}"; do
    command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
  done
  command -v docker >/dev/null || missing+=($(apt-cache show docker-cli >/dev/null 2>&1 && echo docker-cli))
  if [ "${#missing[@]}" -gt 0 ]; then
    say "installing ${missing[*]}"
    apt-get -q update >&2
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}" >&2
  fi
  if ! docker compose version >/dev/null 2>&1; then
    say "installing compose v2"
    if apt-cache show docker-compose-v2 >/dev/null 2>&1; then apt-get -q install -y docker-compose-v2 >&2
    elif grep -q bookworm /etc/os-release; then install_compose_from_the_next_release
    else DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends docker-compose >&2; fi
  fi
  say "$(docker --version); compose $(docker compose version --short)"
}

start_engine() {
  local folder=$1
  if answers; then say "an engine answers already"; return; fi
  mkdir -p "$folder"
  dockerd --data-root "$folder/data" --pidfile "$folder/dockerd.pid" >"$folder/dockerd.log" 2>&1 &
  local pid=$!
  disown "$pid"
  for _ in $(seq 1 100); do
    if answers; then say "dockerd runs with pid $pid, data in $folder/data"; return; fi
    kill -0 "$pid" 2>/dev/null || { tail -5 "$folder/dockerd.log" >&2; fail "dockerd ended at its start, see $folder/dockerd.log"; }
    sleep 0.2
  done
  fail "dockerd does not answer, see $folder/dockerd.log"
}

stop_engine() {
  local pidfile="$1/dockerd.pid" pid
  [ -f "$pidfile" ] || { say "no engine was started in $1"; return; }
  pid=$(cat "$pidfile")
  # A process id may have been given to another program since: only a dockerd is ended.
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] || { rm -f "$pidfile"; return; }
  kill -TERM "$pid"
  for _ in $(seq 1 150); do
    kill -0 "$pid" 2>/dev/null || { say "dockerd ended"; return; }
    sleep 0.2
  done
  kill -KILL "$pid"
}

case "${1:-} ${2:-}" in
  "install ") install_engine ;;
  "start "?*) start_engine "$(realpath -m "$2")" ;;
  "stop "?*) stop_engine "$(realpath -m "$2")" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
