# Says what a storage holds, and how many kilobytes are free there. Arguments: its root, then repositories, or manifests as REPOSITORY@ALGORITHM:HEX.
root=$1
shift
[ -d "$root" ] && one root yes
one free "$(LC_ALL=C df -Pk "$root" 2>/dev/null | awk 'NR == 2 { print $4 }')"
root=$root/docker/registry/v2/repositories
one repositories "$(LC_ALL=C ls "$root" 2>/dev/null | wc -l)"
for entry; do
  name=${entry%%@*}
  hex=${entry#*@*:} digest=${entry#"$name"} file=$root/$name
  if [ -n "$digest" ]; then
    algorithm=${digest#@}
    file=$file/_manifests/revisions/${algorithm%%:*}/$hex/link
  fi
  [ -e "$file" ] || one lacks "$entry"
done
echo
