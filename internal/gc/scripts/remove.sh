# Removes tags and manifests from the storage of a stopped registry. Arguments: the storage's root, the folder of this
# removal, and a folder for what is removed. Standard input: "repository PATH", then its tags and manifests, "tag NAME" and
# "manifest HEX", in the order in which they may go; "level" stands between what must go first and what may go only then; and
# "done". Prints what has become of each: "deleted", "gone" or "failed", then what it was, and for the latter why. After a
# failure, all else in that repository is "skipped". Nothing is started for a single tag: a batch goes at once.
#
# A tag is moved out of the registry's folders as a whole, so that an interruption leaves a tag or none, and nothing in
# between. To delete what was moved takes many times longer, and the registry need not wait for that. A tag that cannot be
# moved, such as on a full disk, is deleted where it is.
root=$1 run=$2 removed=$3
export LC_ALL=C
most=200
mkdir "$run" && touched "$run/launched" && keep pid $$ && [ ! -e "$run/halted" ] || exit 1
cd "$root/docker/registry/v2/repositories" || exit 1
top=$PWD batches=0 failed= path= kind=
set --

# there enters the folder of what is removed.
there() {
  case $kind in
  tag) cd "$top/$path/_manifests/tags" ;;
  *) cd "$top/$path/_manifests/revisions/sha256" ;;
  esac
}

# flush removes a batch. Names have a safe alphabet: they are checked when they are read.
flush() {
  [ $# -gt 0 ] || return 0
  answer=skipped
  if [ -z "$failed" ] && ! there; then failed=yes answer=failed; fi
  if [ -n "$failed" ]; then
    for entry; do printf '%s %s %s\n' "$answer" "$kind" "$entry"; done
    return
  fi
  for entry; do
    shift
    if [ -d "./$entry" ]; then set -- "$@" "./$entry"; else printf 'gone %s %s\n' "$kind" "$entry"; fi
  done
  [ $# -gt 0 ] || return 0
  said=
  batches=$((batches + 1))
  if [ "$kind" != tag ] || ! { mkdir -p "$removed/$batches" && mv -f "$@" "$removed/$batches"; } 2>/dev/null; then
    said=$(rm -rf "$@" 2>&1 | head -n 1)
  fi
  for entry; do
    if [ ! -e "$entry" ]; then
      printf 'deleted %s %s\n' "$kind" "${entry#./}"
    else
      failed=yes
      printf 'failed %s %s %s\n' "$kind" "${entry#./}" "$said"
    fi
  done
}

while read -r verb name; do
  if [ "$verb" != "$kind" ] || [ $# -ge $most ]; then
    flush "$@"
    set --
  fi
  kind=$verb
  case $verb in
  repository)
    path=$name failed=
    printf 'repository %s\n' "$path"
    ;;
  tag) case $name in '' | . | .. | -* | *[!A-Za-z0-9_.-]*) exit 1 ;; esac ;;
  manifest) case $name in '' | *[!0-9a-f]*) exit 1 ;; esac ;;
  level) ;;
  done)
    keep exit 0
    echo done
    exit 0
    ;;
  *) exit 1 ;;
  esac
  case $verb in tag | manifest) set -- "$@" "$name" ;; esac
done
exit 1 # the rest was not received
