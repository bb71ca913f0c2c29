# Comes back to a collection whose connection was lost. Argument: the folder of the run.
run=$1
[ -e "$run/launched" ] || exit 3 # it never began
follow
