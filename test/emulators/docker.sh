# Sourced by scripts that need Docker. Where no daemon answers, one is started on a socket
# of its own, with its data in a temporary folder, and stopped by its pid in the end; that
# takes root, dockerd and iptables (on Debian: docker.io, iptables).

# docker_there: whether Docker can be had here.
docker_there() {
  command -v docker >/dev/null || return
  docker info >/dev/null 2>&1 || { [ "$(id -u)" = 0 ] && command -v dockerd >/dev/null && command -v iptables >/dev/null; }
}

# docker_up FOLDER: see to it that a daemon answers.
docker_up() {
  local folder=$1
  docker_folder='' docker_pid=''
  docker info >/dev/null 2>&1 && return
  docker_there || { echo "neither a Docker daemon nor the means to start one: as root, install docker.io and iptables" >&2; return 1; }
  docker_folder=$folder/docker
  mkdir -p "$docker_folder"
  export DOCKER_HOST=unix://$docker_folder/socket
  dockerd --host "$DOCKER_HOST" --data-root "$docker_folder/data" --exec-root "$docker_folder/exec" \
    --pidfile "$docker_folder/pid" >"$docker_folder/log" 2>&1 &
  docker_pid=$!
  local tries=300
  until docker info >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "$docker_pid" 2>/dev/null; then
      tail -n 5 "$docker_folder/log" >&2
      return 1
    fi
    sleep 0.1
  done
}

# docker_down: stop the daemon that docker_up started, if it did.
docker_down() {
  [ -n "${docker_pid:-}" ] || return 0
  kill "$docker_pid" 2>/dev/null || true
  wait "$docker_pid" 2>/dev/null || true
  rm -rf "$docker_folder"
}

# docker_bridge: the address under which containers reach this machine, and nobody else.
docker_bridge() { docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}'; }
