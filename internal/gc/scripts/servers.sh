# servers prints the registries that this machine serves: the process and its configuration, one a line. What runs in a
# container of its own is not among them. $binary is a program that may be one.
servers() {
  name=${binary:-registry}
  here=$(readlink /proc/self/ns/mnt 2>/dev/null)
  for file in $(LC_ALL=C grep -ls -e registry -e "${name##*/}" /proc/[0-9]*/cmdline 2>/dev/null); do
    process=${file%/cmdline}
    arguments=$(tr '\000' '\n' 2>/dev/null <"$file")
    (
      IFS='
'
      set -f
      set -- $arguments
      case ${1##*/} in registry | docker-registry | "${name##*/}") ;; *) exit ;; esac
      [ "$2" = serve ] && [ "$(readlink "$process/ns/mnt" 2>/dev/null)" = "$here" ] || exit
      shift 2
      config=
      for argument; do
        case $argument in -*) ;; *) config=$argument && break ;; esac
      done
      [ -n "$config" ] || config=$(tr '\000' '\n' 2>/dev/null <"$process/environ" | sed -n 's/^REGISTRY_CONFIGURATION_PATH=//p')
      case $config in '' | /*) ;; *) config=$(readlink "$process/cwd")/$config ;; esac
      printf '%s %s\n' "${process#/proc/}" "$config"
    )
  done
}

# same reports whether two names are one file.
same() { [ "$1" = "$2" ] || [ "$1" -ef "$2" ] 2>/dev/null; }
