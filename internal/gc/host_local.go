package gc

// localMachine is the machine that this process runs on.
type localMachine struct{}

func (localMachine) wrap(args []string) []string { return args }
