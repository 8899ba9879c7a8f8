#!/bin/sh
# Installs the real peers of the tests where they are missing: PostgreSQL's server binaries, Chromium, strace,
# and Node with the packages that play Telegram and Twilio. The service itself needs none of them.
set -eu

missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
[ -x /usr/bin/chromium-headless-shell ] || [ -x /usr/bin/chromium ] || missing="$missing chromium"
fc-list 2>/dev/null | grep -q "Noto Serif" || missing="$missing fonts-noto-core"
command -v strace >/dev/null || missing="$missing strace"
[ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge 18 ] || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"

if [ -n "$missing" ]; then
  if ! command -v apt-get >/dev/null; then
    echo "The tests need:$missing. Install them with your system's package manager and run again." >&2
    exit 1
  fi
  sudo=""
  [ "$(id -u)" = 0 ] || sudo="sudo"
  # The server's binaries are all that is wanted: no cluster of the system's own.
  [ -d /etc/postgresql-common ] || { $sudo mkdir -p /etc/postgresql-common; echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null; }
  $sudo apt-get update -qq
  # Debian's Chromium without windows is enough, and quicker; elsewhere it comes whole.
  case "$missing" in *chromium*) ! apt-cache show chromium-headless-shell >/dev/null 2>&1 || missing=$(echo "$missing" | sed "s/chromium/chromium-headless-shell/") ;; esac
  # shellcheck disable=SC2086 # several packages
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# By the lock, and only when it has changed: `npm ci` begins anew each time.
cd "$(dirname "$0")/peers"
lock=$(cksum package-lock.json)
[ "$(cat node_modules/.installed 2>/dev/null)" != "$lock" ] || exit 0
npm ci --ignore-scripts --loglevel=error
echo "$lock" >node_modules/.installed
