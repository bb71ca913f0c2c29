# Ends a collection and returns when none is left. Argument: the folder of the run.
run=$1
[ -d "$run" ] || exit 0
: >"$run/halted" || exit 1
n=0
while pid=$(cat "$run/pid" 2>/dev/null) && alive "$pid"; do
  case $n in
  0) kill "$pid" ;;
  100) kill -9 "$pid" ;;
  200) exit 1 ;;
  esac
  n=$((n + 1))
  pause
done
