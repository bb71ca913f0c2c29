package retain

// Hint says what to do about the refusal.
func (r Refusal) Hint() string {
	if r.Advice != "" {
		return r.Advice
	}
	switch r.Guard {
	case GuardMaxDelete:
		return "look at the plan; if it is right, raise --max-delete for one run"
	case GuardUnreadable:
		return "if the image is gone, push it again or delete the tag in the registry; if it is there, look for a proxy that changes requests"
	case GuardGroupBy:
		return "compare the expression with the tags; prune a repository whose tags name no groups without --group-by"
	case GuardLive:
		return "write the file with git ls-remote, for the git repository that these images are built from (docs/branches.md)"
	}
	return "check that the push was successful and went to this repository; run regsweep after the push, with the references that were pushed"
}
