# Collects. Arguments: the folder of this run, the lock, the root of the storage or "", "file" or "stream", then the
# command. Standard input: variables, see environment.
#
# The garbage collection is a process of its own that writes its log into a file: when the connection is cut it goes on, and
# the run that comes back finds its number, its log and its exit code. Where there is no room for the log it is a stream
# instead: then a cut connection ends the garbage collection.
run=$1 lock=$2 root=$3 log=$4
shift 4
environment
mkdir "$run" && touched "$run/launched" || exit 1
# The lock knows where the run is. A link needs no room of its own.
case $run in "$lock"/*) ;; *) ln -s "$run" "$lock/run-${run##*-}" 2>/dev/null ;; esac
trap '' HUP

measure() {
  [ -n "$root" ] || return 0
  keep "$1.disk" "$(du -sk "$root/docker" 2>/dev/null | cut -f 1)"
  keep "$1.content" "$(LC_ALL=C ls -lnR "$root/docker/registry/v2/blobs" 2>/dev/null | awk '/^-/ { n += $5 } END { printf "%.0f", n }')"
  keep "$1.free" "$(df -Pk "$root" 2>/dev/null | awk 'NR == 2 { print $4 }')"
}

clock() { # seconds, as finely as this machine tells them to a script
  if [ -r /proc/uptime ]; then cut -d ' ' -f 1 /proc/uptime; else date +%s; fi
}

# begin becomes the garbage collection. Its number is stored by the process itself, so that it never runs without one: a
# process that ends it makes "halted" before it reads the number, and one of the two sees the other.
begin() {
  REGSWEEP_GC_RUN=$run REGSWEEP_GC_LOCK=$lock sh -c \
    'printf "" >"$0/pid=$$" || exit 125; [ ! -e "$0/halted" ] || exit 130; exec "$@"' "$run" "$@"
}

work() {
  measure before
  keep began "$(clock)"
  if [ "$log" = stream ]; then begin "$@" 2>&1; else begin "$@" >"$run/out" 2>"$run/err"; fi
  code=$?
  keep ended "$(clock)"
  measure after
  if [ "$log" = file ] && ! { printf test >"$run/test" && [ "$(cat "$run/test")" = test ]; }; then keep full yes; fi
  keep exit $code
  exit $code
} 2>/dev/null

if [ "$log" = stream ]; then
  printf 'stream=yes\n\n'
  (work "$@") </dev/null &
  keep wrapper $!
  wait $!
  exit 0
fi
(work "$@") </dev/null >/dev/null 2>&1 &
job=$!
keep wrapper $job
follow
