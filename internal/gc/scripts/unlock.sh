# Gives the lock back. Arguments: its folder, and that of the run.
rm -rf "$@"
