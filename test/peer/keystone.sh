#!/usr/bin/env bash
# keystone.sh start|stop DIR: a real Keystone 30 as an operator runs it (Fernet tokens, MariaDB,
# memcached, uWSGI with two workers), on loopback, for measuring beside it. It starts from nothing,
# keeps all it makes in DIR, and writes DIR/openrc and, a line each, the processes to DIR/pids.
#
#   PORT (5601), DB_PORT (PORT+1), CACHE_PORT (PORT+2), PROCESSES (2)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
source test/acceptance/steps.sh
verb=$1 dir=$(mkdir -p "$2" && cd "$2" && pwd)
port=${PORT:-5601} db_port=${DB_PORT:-$((${PORT:-5601} + 1))} cache_port=${CACHE_PORT:-$((${PORT:-5601} + 2))}
url=http://127.0.0.1:$port/v3

if [ "$verb" = stop ]; then
  [ -e "$dir/pids" ] || exit 0
  while read -r _ pid; do kill "$pid" 2>/dev/null || true; done <"$dir/pids"
  while read -r _ pid; do
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done <"$dir/pids"
  rm -f "$dir/pids"
  exit 0
fi
[ "$verb" = start ] || { echo "usage: keystone.sh start|stop DIR" >&2; exit 2; }

# packages: Debian's, when they are missing; Keystone and uWSGI as requirements.txt pins them
need=()
for p in mariadb-server mariadb-client memcached gcc python3-dev python3-venv; do
  dpkg -s "$p" >/dev/null 2>&1 || need+=("$p")
done
if [ ${#need[@]} -gt 0 ]; then
  echo "installing ${need[*]}" >&2
  apt-get update -qq
  # No service of the package's own is started: only ours, on loopback.
  printf '#!/bin/sh\nexit 101\n' >"$dir/no-start" && chmod +x "$dir/no-start"
  [ -e /usr/sbin/policy-rc.d ] || { install -m 755 "$dir/no-start" /usr/sbin/policy-rc.d; undo=1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >"$dir/apt.log" 2>&1
  [ -z "${undo:-}" ] || rm -f /usr/sbin/policy-rc.d
fi
venv=$(mkdir -p .cache && cp test/peer/requirements.txt .cache/keystone.txt && python_with .cache/keystone.txt)
bin=$venv/bin

rm -rf "$dir/mysql" "$dir/fernet" "$dir/credential" "$dir/pids"
mkdir -p "$dir/mysql" "$dir/fernet" "$dir/credential"
chmod 700 "$dir/fernet" "$dir/credential"

setsid nohup memcached -u nobody -l 127.0.0.1 -p "$cache_port" -m 256 -c 1024 >"$dir/memcached.log" 2>&1 &
echo "memcached $!" >>"$dir/pids"

chown mysql:mysql "$dir/mysql"
socket=$dir/mysql/sock
mariadb-install-db --no-defaults --user=mysql --datadir="$dir/mysql" --auth-root-authentication-method=normal >"$dir/install-db.log" 2>&1
setsid nohup mariadbd --no-defaults --user=mysql --datadir="$dir/mysql" --socket="$socket" --port="$db_port" \
  --bind-address=127.0.0.1 --innodb-buffer-pool-size=512M --max-connections=400 --character-set-server=utf8mb3 \
  --skip-log-bin >"$dir/mariadb.log" 2>&1 &
echo "mariadbd $!" >>"$dir/pids"
for _ in $(seq 150); do mariadb-admin --no-defaults -uroot -S "$socket" ping >/dev/null 2>&1 && break; sleep 0.2; done
mariadb --no-defaults -uroot -S "$socket" -e "
  CREATE DATABASE keystone;
  CREATE USER 'keystone'@'127.0.0.1' IDENTIFIED BY 'keystone';
  GRANT ALL ON keystone.* TO 'keystone'@'127.0.0.1';"

cat >"$dir/keystone.conf" <<CONF
[DEFAULT]
log_file = $dir/keystone.log
debug = false
public_endpoint = http://127.0.0.1:$port
[database]
connection = mysql+pymysql://keystone:keystone@127.0.0.1:$db_port/keystone?charset=utf8mb3
[token]
provider = fernet
expiration = 14400
[trust]
allow_redelegation = true
max_redelegation_count = 3
[fernet_tokens]
key_repository = $dir/fernet/
[credential]
key_repository = $dir/credential/
[auth]
methods = password,token,oauth1
[cache]
enabled = true
backend = dogpile.cache.memcached
memcache_servers = 127.0.0.1:$cache_port
CONF
manage() { "$bin/keystone-manage" --config-file "$dir/keystone.conf" "$@" >>"$dir/manage.log" 2>&1; }
manage db_sync
manage fernet_setup --keystone-user root --keystone-group root
manage credential_setup --keystone-user root --keystone-group root
manage bootstrap --bootstrap-username admin --bootstrap-password admin --bootstrap-project-name admin \
  --bootstrap-role-name admin --bootstrap-service-name keystone --bootstrap-region-id RegionOne \
  --bootstrap-admin-url "$url" --bootstrap-public-url "$url" --bootstrap-internal-url "$url"

cat >"$dir/uwsgi.ini" <<INI
[uwsgi]
master = true
processes = ${PROCESSES:-2}
threads = 1
enable-threads = true
lazy-apps = true
thunder-lock = true
http-socket = 127.0.0.1:$port
listen = 128
buffer-size = 65535
add-header = Connection: close
die-on-term = true
need-app = true
module = keystone.wsgi.api:application
virtualenv = $venv
env = OS_KEYSTONE_CONFIG_DIR=$dir
env = OS_KEYSTONE_CONFIG_FILES=$dir/keystone.conf
disable-logging = true
INI
setsid nohup "$bin/uwsgi" --ini "$dir/uwsgi.ini" >"$dir/uwsgi.log" 2>&1 &
echo "uwsgi $!" >>"$dir/pids"
for _ in $(seq 300); do curl -fs -o "$dir/version" "$url" && break; sleep 0.1; done
[ -e "$dir/version" ] || { echo "Keystone did not answer; see $dir/uwsgi.log" >&2; exit 1; }
"$bin/pip" freeze 2>/dev/null | grep -iE '^(keystone|uwsgi)==' >"$dir/versions"
{ mariadbd --version; memcached --version; python3 --version; } >>"$dir/versions"
cat >"$dir/openrc" <<RC
export OS_AUTH_URL=$url
export OS_USERNAME=admin OS_PASSWORD=admin OS_USER_DOMAIN_NAME=Default
export OS_PROJECT_NAME=admin OS_PROJECT_DOMAIN_NAME=Default
RC
