# Takes the lock. Arguments: its folder, its owner, and "break" to take one that was left.
dir=$1 owner=$2

# state prints "yes" when a garbage collection of this lock is running, "unknown" when that cannot be told, else nothing.
state() {
  [ -z "$(marked REGSWEEP_GC_LOCK "$dir")" ] || { echo yes; return; }
  for run in "$dir"/run-*; do
    [ -e "$run/launched" ] || continue
    number=$(kept "$run" pid) wrapper=$(kept "$run" wrapper)
    [ -n "$number" ] || number=$(cat "$run/pid" 2>/dev/null) # as earlier versions stored it
    if alive "$number"; then echo yes; return; fi
    if [ -z "$number" ] && [ -z "$(kept "$run" exit)" ] && [ ! -e "$run/halted" ]; then
      if [ -n "$wrapper" ] && kill -0 "$wrapper" 2>/dev/null; then echo yes; else echo unknown; fi
      return
    fi
  done
}

running=$(state)
if [ "$3" = break ] && [ -d "$dir" ] && [ -z "$running" ]; then
  rm -rf "$dir"
fi
if said=$(mkdir "$dir" 2>&1); then
  { date +%s >"$dir/since"; printf '%s' "$owner" >"$dir/owner"; } 2>/dev/null
  one lock taken
elif [ -d "$dir" ]; then
  one lock held
  one now "$(date +%s)"
  one since "$(cat "$dir/since" 2>/dev/null)"
  one owner "$(cat "$dir/owner" 2>/dev/null)"
  one running "$running"
else
  printf '%s\n' "$said" >&2
  exit 1
fi
echo
