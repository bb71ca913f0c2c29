# Runs what the operator gave to stop or start the registry. Arguments: a file for what it says, and the command.
# A file and no pipe: a registry that stays behind would keep the connection open, or die of it when it is closed.
file=$1
: >"$file" 2>/dev/null || file=/dev/null
sh -c "$2" </dev/null >"$file" 2>&1
code=$?
[ $code = 0 ] || tail -n 5 "$file" >&2
exit $code
