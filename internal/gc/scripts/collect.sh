# Collects. Arguments: the folder of this run inside of the lock, the root of the storage or "", then the command.
#
# The collection is a process of its own that writes into files: when the connection is cut it goes on, and who comes
# back finds its number, its log and how it ended.
run=$1 root=$2
shift 2
mkdir "$run" || exit 1
: >"$run/launched" || exit 1
trap '' HUP

measure() {
  [ -n "$root" ] || return 0
  one disk "$(du -sk "$root/docker" 2>/dev/null | cut -f 1)"
  one content "$(LC_ALL=C ls -lnR "$root/docker/registry/v2/blobs" 2>/dev/null | awk '/^-/ { n += $5 } END { printf "%.0f", n }')"
  one free "$(df -Pk "$root" 2>/dev/null | awk 'NR == 2 { print $4 }')"
}

clock() { # seconds, as finely as this machine tells them to a script
  if [ -r /proc/uptime ]; then cut -d ' ' -f 1 /proc/uptime; else date +%s; fi
}

(
  wrapper=$(exec sh -c 'echo $PPID')
  echo "$wrapper" >"$run/wrapper"
  measure >"$run/before"
  one began "$(clock)" >"$run/times"
  # The number is written by the process itself before it becomes the collection, so that it is never a moment
  # without one. Who wants to end it makes "halted" before reading the number: one of the two sees the other.
  sh -c 'echo $$ >"$0/pid"; [ ! -e "$0/halted" ] || exit 130; exec "$@"' "$run" "$@" >"$run/out" 2>"$run/err"
  code=$?
  one ended "$(clock)" >>"$run/times"
  measure >"$run/after"
  echo $code >"$run/exit.new"
  mv "$run/exit.new" "$run/exit"
) </dev/null >/dev/null 2>&1 &

follow
