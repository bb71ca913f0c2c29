# Comes back to a garbage collection whose connection was lost. Argument: the folder of the run.
run=$1 job=
[ -e "$run/launched" ] || exit 3 # it never began
follow
