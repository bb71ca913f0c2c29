# Prints what is here. Arguments: the registry's binary, or "" to look for it; then the configuration files to try.
binary=$1
shift
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
one env.driver "${REGISTRY_STORAGE-}"
one env.root "${REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY-}"
one env.proxy "${REGISTRY_PROXY_REMOTEURL-}"
one env.readonly "${REGISTRY_STORAGE_MAINTENANCE_READONLY-}"
one env.readonly.enabled "${REGISTRY_STORAGE_MAINTENANCE_READONLY_ENABLED-}"
for file; do
  if [ -f "$file" ] && [ -r "$file" ]; then
    one config "$file"
    echo
    exec cat "$file"
  fi
done
echo
