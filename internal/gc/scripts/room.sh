# Says where the files of a run have room. Arguments: the root of the storage or "", then folders to try. Each one that can
# be written to is a line: the free kilobytes, whether it takes content ("yes") or only names, and its name.
root=$1
shift
one blobs "$(LC_ALL=C ls "$root"/docker/registry/v2/blobs/*/*/ 2>/dev/null | wc -l)"
for dir; do
  test=$dir/regsweep-gc-test-$$
  mkdir "$test" 2>/dev/null || continue
  if touched "$test/name=1"; then
    content=no
    if printf test >"$test/content" && [ "$(cat "$test/content")" = test ]; then content=yes; fi
    one room "$(df -Pk "$dir" | awk 'NR == 2 { print $4 }') $content $dir"
  fi 2>/dev/null
  rm -rf "$test"
done
echo
