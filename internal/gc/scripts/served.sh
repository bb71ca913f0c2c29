# Waits until no registry serves with a configuration any more, and says which one does not end. Arguments: the registry's
# binary and the configuration.
binary=$1 config=$2 n=0
while [ $n -lt 150 ]; do
  left=$(servers | while read -r process file; do if same "$file" "$config"; then echo "$process"; fi; done)
  [ -n "$left" ] || break
  n=$((n + 1))
  pause
done
one left "$left"
echo
