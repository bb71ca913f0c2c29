# Prints the tags of repositories with their digests, and their manifests. Arguments: the storage's root, a file that marks
# a moment, and "new" to make it. Standard input: the repositories, each as "repository PATH", and "done". Prints for each of
# them the lines "repository", "odd" for a layout that is not the registry's own, "tag", "revision", "rewritten" for a
# manifest whose link was written after the mark, and "end"; then "done". Nothing is started for a single tag.
root=$1 mark=$2
export LC_ALL=C
# busybox compares whole seconds. What is written in the mark's own second was there before the next one begins.
if [ "$3" = new ]; then touched "$mark" && sleep 1; fi
[ -f "$mark" ] || exit 1

# folder reports whether a path is a folder, and not a link on any level below $2.
folder() {
  left=$1 at=$2
  while [ -n "$left" ]; do
    at=$at/${left%%/*}
    if [ -h "$at" ] || [ ! -d "$at" ]; then return 1; fi
    case $left in */*) left=${left#*/} ;; *) left= ;; esac
  done
}

# foreign prints what is in the repository $1 that the registry does not write there, and what cannot be read.
foreign() {
  command -v find >/dev/null || { echo "find is not installed next to the registry" && return; }
  find "$1/_manifests" \( -name '.*' -o ! -type d \( ! -type f -o ! -name link -o ! -size 71c \) \) -print 2>&1
  for entry in "$1/_manifests"/* "$1/_manifests/revisions"/*; do
    case ${entry#"$1/_manifests/"} in revisions | tags | revisions/sha256 | 'revisions/*') ;; *) printf '%s\n' "$entry" ;; esac
  done
}

# tags and revisions print those of the repository $1. A folder without a link is what an interrupted deletion has left.
tags() {
  for dir in "$1"/_manifests/tags/*; do
    [ -e "$dir" ] || continue
    name=${dir##*/} digest=-
    case $name in *[!A-Za-z0-9_.-]*) echo odd a name that cannot be a tag && return ;; esac
    if [ -e "$dir/current/link" ]; then
      digest=unreadable
      read -r digest <"$dir/current/link"
    fi
    printf 'tag %s %s\n' "$name" "$digest"
  done
}

revisions() {
  for dir in "$1"/_manifests/revisions/sha256/*; do
    [ -e "$dir/link" ] || continue
    name=${dir##*/} digest=
    read -r digest <"$dir/link"
    if [ "$digest" != "sha256:$name" ]; then echo odd a manifest whose link names another one && return; fi
    printf 'revision %s\n' "$name"
  done
}

folder docker/registry/v2/repositories "$root" && cd "$root/docker/registry/v2/repositories" || exit 1
while read -r verb path && [ "$verb" = repository ]; do
  printf 'repository %s\n' "$path"
  odd=
  if ! folder "$path/_manifests" .; then
    odd="no folder $path/_manifests, or one of its parts is a link"
  else
    odd=$(foreign "$path")
    odd=${odd%%
*}
  fi
  if [ -n "$odd" ]; then
    printf 'odd %s\n' "$odd"
  else
    tags "$path"
    revisions "$path"
    find "$path/_manifests/revisions" -name link -newer "$mark" -print 2>&1 | while read -r line; do printf 'rewritten %s\n' "$line"; done
  fi
  echo end
done
echo "$verb"
