# Takes the lock. Arguments: its folder, who takes it, and "break" to take one that was left behind.
dir=$1 owner=$2
running() {
  for file in "$dir"/run-*/pid; do
    if [ -e "$file" ] && alive "$(cat "$file")"; then return 0; fi
  done
  return 1
}
if [ "$3" = break ] && [ -d "$dir" ] && ! running; then
  rm -rf "$dir"
fi
if said=$(mkdir "$dir" 2>&1); then
  date +%s >"$dir/since"
  printf '%s' "$owner" >"$dir/owner"
  one lock taken
elif [ -d "$dir" ]; then
  one lock held
  one now "$(date +%s)"
  one since "$(cat "$dir/since" 2>/dev/null)"
  one owner "$(cat "$dir/owner" 2>/dev/null)"
  if running; then one running yes; fi
else
  printf '%s\n' "$said" >&2
  exit 1
fi
echo
