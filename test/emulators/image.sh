#!/usr/bin/env bash
# Make the base image that emulators run functions in, where no registry can be reached:
# the name that they look for, and in it what our static executables need, which is almost
# nothing. It is not Amazon Linux: it shows that handlers and events fit, not the system.
#
#   test/emulators/image.sh NAME
set -euo pipefail

name=$1
if docker image inspect "$name" >/dev/null 2>&1; then
  echo "image $name is there"
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! busybox=$(command -v busybox) || ! ldd "$busybox" 2>&1 | grep -q 'not a dynamic'; then
  (chmod 755 "$work" && cd "$work" && apt-get download -qq busybox-static 2>/dev/null && dpkg-deb -x busybox-static_*.deb unpacked) ||
    { echo "busybox, statically linked, is needed (on Debian: busybox-static)" >&2; exit 1; }
  busybox=$work/unpacked/bin/busybox
fi
mkdir -p "$work"/tree/{bin,etc/ssl/certs,opt,tmp,var/{rapid,runtime,task}}
cp "$busybox" "$work/tree/bin/busybox"
for tool in sh mv chmod cp rm ls cat mkdir env; do ln -s busybox "$work/tree/bin/$tool"; done
echo 'root:x:0:0:root:/:/bin/sh' >"$work/tree/etc/passwd"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt "$work/tree/etc/ssl/certs/"; fi
printf '#!/bin/sh\nexec /var/task/bootstrap\n' >"$work/tree/var/runtime/bootstrap"
chmod 755 "$work/tree/var/runtime/bootstrap"
tar -C "$work/tree" --owner 0 --group 0 -c . | docker import \
  -c 'ENV PATH=/bin:/usr/bin LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime' \
  -c 'WORKDIR /var/task' -c 'ENTRYPOINT ["/lambda-entrypoint.sh"]' - "$name" >/dev/null
echo "image $name made"
