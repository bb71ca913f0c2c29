# Ends a garbage collection and returns when none is running. Argument: the folder of the run.
run=$1
mkdir "$run" 2>/dev/null # one that has not begun finds its folder taken, and does not begin
touched "$run/halted" 2>/dev/null || full=yes
n=0
while numbers=$(members "$run") && [ -n "$numbers" ]; do
  case $n in
  0) kill $numbers ;;
  100) kill -9 $numbers ;;
  200) exit 1 ;;
  esac 2>/dev/null
  n=$((n + 1))
  pause
done
# One that has not stored its number may still begin, unless it sees "halted".
if [ -n "$full" ] && [ -z "$(kept "$run" pid)" ]; then
  echo "cannot write to $run" >&2
  exit 1
fi
