# Prints what is here. Arguments: the registry's binary, or "" to look for it; its configuration, or "" to look for that; then
# the configuration files to try.
binary=$1 config=$2 process=
shift 2

# The registry that serves knows best what it has read.
list=$(servers)
if [ -n "$config" ]; then
  process=$(printf '%s\n' "$list" | while read -r number file; do if same "$file" "$config"; then echo "$number" && break; fi; done)
else
  files=$(printf '%s\n' "$list" | sed 's/^[0-9]* //; /^$/d' | sort -u)
  if [ "$(printf '%s\n' "$files" | wc -l)" -gt 1 ]; then
    printf '%s\n' "$files" | sed 's/^/serving=/'
    echo
    exit
  fi
  if [ -n "$files" ]; then
    config=$files process=${list%% *}
  else
    config=${REGISTRY_CONFIGURATION_PATH-}
  fi
fi

[ -n "$binary" ] || [ -z "$process" ] || binary=$(readlink "/proc/$process/exe")
if [ -z "$binary" ]; then
  for name in registry docker-registry /bin/registry /usr/local/bin/registry /usr/bin/docker-registry; do
    if found=$(command -v "$name"); then
      binary=$found
      break
    fi
  done
fi
one binary "$binary"
[ -z "$binary" ] || one version "$("$binary" --version 2>/dev/null)"

# Variables override the configuration. A line feed in one is printed as the character 1.
variables() { tr '\n\000' '\001\n' | sed -n 's/^REGISTRY_[A-Z0-9_]*=/env=&/p'; }
one process "$process"
if [ -n "$process" ] && [ ! -r "/proc/$process/environ" ]; then
  one unread "$process"
elif [ -n "$process" ]; then
  variables <"/proc/$process/environ"
elif [ -r /proc/self/environ ]; then
  variables </proc/self/environ
else
  env | sed -n 's/^REGISTRY_[A-Z0-9_]*=/env=&/p'
fi

if [ -n "$config" ]; then set -- "$config"; fi
for file; do
  one tried "$file"
  if [ -f "$file" ] && [ -r "$file" ]; then
    one config "$file"
    echo
    exec cat "$file"
  fi
done
echo
