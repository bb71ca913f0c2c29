# Says when each manifest was pushed: the registry writes its link then. Prints the clock, an empty line, and for each link the
# second and the path below the repositories. Arguments: the storage's root.
one now "$(date +%s)"
echo
cd "$1/docker/registry/v2/repositories" || exit 0
find . \( -name _layers -o -name _uploads -o -name tags -path '*/_manifests/tags' \) -prune -o \
  -name link -path '*/_manifests/revisions/*' -exec stat -c '%Y %n' {} + 2>/dev/null || :
