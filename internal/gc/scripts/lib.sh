# What the scripts share. They are POSIX shell, run next to the registry, and take everything from outside as an
# argument: no text of theirs is ever put together from input.

pause() { sleep 0.1 2>/dev/null || sleep 1; } # POSIX knows whole seconds only

# alive reports whether a process is a collection. A number alone may be somebody else's by now.
alive() {
  [ -n "$1" ] || return 1
  if [ -d /proc/self ]; then
    tr '\000' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q garbage-collect
  else
    kill -0 "$1" 2>/dev/null
  fi
}

# one prints a line of a head, whatever is in the value.
one() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n' ' ')"; }
