# Gives the lock back. Argument: its folder.
rm -rf "$1"
