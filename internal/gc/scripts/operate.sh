# Runs the operator's command that stops or starts the registry. Arguments: a file for what it prints, and the command.
# A file and not a pipe: a registry that stays would keep the connection open, or end when it is closed.
file=$1
printf '' >"$file" 2>/dev/null || file=/dev/null
sh -c "$2" </dev/null >"$file" 2>&1
code=$?
[ $code = 0 ] || tail -n 5 "$file" >&2
exit $code
