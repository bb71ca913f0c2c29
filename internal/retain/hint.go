package retain

// Hint says what to do about the refusal.
func (r Refusal) Hint() string {
	if r.Guard == GuardMaxDelete {
		return "look at the plan; when it is right, raise --max-delete for one run"
	}
	return "was the push successful, and to this repository? run regsweep after it, with the references that were pushed"
}
