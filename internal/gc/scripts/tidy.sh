# Deletes what was removed. Argument: its folder.
rm -rf "$1"
