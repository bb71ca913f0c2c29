# What the scripts share. They are POSIX shell, run next to the registry, and take everything from outside as an
# argument or on standard input: no script is ever put together from input.
umask 077

pause() { sleep 0.1 2>/dev/null || sleep 1; } # POSIX knows only whole seconds

# one prints a line of a head, whatever is in the value.
one() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n' ' ')"; }

# touched makes an empty file. It is no ":" because a shell ends when that cannot be redirected.
touched() { printf '' >"$1"; }

# keep stores a value of a run in the name of an empty file: a full disk takes names when it takes no content any more,
# and a name is there as a whole or not at all.
keep() { touched "$run/$1=$2"; }

# kept prints a value of the run $1; nothing when there is none.
kept() {
  for file in "$1/$2="*; do
    if [ -e "$file" ]; then
      printf '%s' "${file#"$1/$2="}"
      return
    fi
  done
}

# alive reports whether a process is a garbage collection. A number alone may be another process's by now.
alive() {
  [ -n "$1" ] || return 1
  if [ -d /proc/self ]; then
    tr '\000' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q garbage-collect
  else
    kill -0 "$1" 2>/dev/null
  fi
}

# marked prints the processes that have the variable $1 with the value $2. Where there is /proc, no file is needed to find
# a garbage collection, nor what it has started. Variables end with a NUL, and busybox's grep reads only up to the first.
marked() {
  if printf 'a\000b' | LC_ALL=C grep -qF b; then
    LC_ALL=C grep -lsF "$1=$2" /proc/[0-9]*/environ 2>/dev/null
  else
    for file in /proc/[0-9]*/environ; do
      if tr '\000' '\n' 2>/dev/null <"$file" | grep -qxF "$1=$2"; then echo "$file"; fi
    done
  fi | cut -d / -f 3
}

# members prints the processes of the garbage collection of the run $1.
members() {
  marked REGSWEEP_GC_RUN "$1"
  number=$(kept "$1" pid)
  if alive "$number"; then echo "$number"; fi
}

# environment takes the variables of the registry that serves from standard input, one a line after a first line, in place
# of those here. Standard input is empty where they are here already. The character 1 stands for a line feed.
environment() {
  read -r line || return 0
  for name in $(env | sed -n 's/^\(REGISTRY_[A-Za-z0-9_]*\)=.*/\1/p'); do unset "$name"; done
  while IFS= read -r line; do
    case $line in REGISTRY_*=*) export "$(printf '%s' "$line" | tr '\001' '\n')" ;; esac
  done
}
