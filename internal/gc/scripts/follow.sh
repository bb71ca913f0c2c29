# follow waits until the collection of the folder $run is over and prints what is known of it: a head, an empty line,
# and its standard output.
follow() {
  while [ -e "$run/launched" ] && [ ! -e "$run/exit" ]; do
    wrapper=$(cat "$run/wrapper" 2>/dev/null)
    if [ -n "$wrapper" ] && ! kill -0 "$wrapper" 2>/dev/null && [ ! -e "$run/exit" ]; then break; fi
    pause
  done
  for moment in before after; do
    sed "s/^/$moment./" "$run/$moment" 2>/dev/null
  done
  cat "$run/times" 2>/dev/null
  one exit "$(cat "$run/exit" 2>/dev/null)"
  { # the last line need not have an end
    tail -n 5 "$run/err" 2>/dev/null | tail -c 2000 | tr '\r' '\n'
    echo
  } | sed '/^$/d; s/^/err=/'
  echo
  [ ! -e "$run/out" ] || cat "$run/out"
}
