# Runs a dry run. Arguments: the command. Standard input: variables, see environment.
environment
exec "$@" </dev/null
