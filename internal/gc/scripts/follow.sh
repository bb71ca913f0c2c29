# follow waits until the garbage collection of the folder $run is over and prints what is known of it: a head, an empty
# line, and its log. $job is its process when it is this shell's own child.
follow() {
  n=0
  while [ -e "$run/launched" ] && [ -z "$(kept "$run" exit)" ]; do
    wrapper=${job:-$(kept "$run" wrapper)}
    if [ -n "$wrapper" ] && ! kill -0 "$wrapper" 2>/dev/null && [ -z "$(kept "$run" exit)" ]; then break; fi
    # A shell that ended right after it had made the folder has stored no number, and nothing runs in its name.
    n=$((n + 1))
    if [ -z "$wrapper" ] && [ $n -ge 100 ] && [ -z "$(members "$run")" ]; then break; fi
    pause
  done
  for file in "$run"/*=*; do
    [ ! -e "$file" ] || printf '%s\n' "${file#"$run/"}"
  done
  if [ -n "$job" ] && [ -z "$(kept "$run" exit)" ]; then # its name could not be stored
    wait "$job"
    one exit $?
  fi
  { # the last line need not have an end
    tail -n 5 "$run/err" 2>/dev/null | tail -c 2000 | tr '\r' '\n'
    echo
  } | sed '/^$/d; s/^/err=/'
  echo
  [ ! -e "$run/out" ] || cat "$run/out"
}
