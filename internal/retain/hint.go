package retain

// Hint says what to do about the refusal.
func (r Refusal) Hint() string {
	if r.Guard == GuardMaxDelete {
		return "look at the plan; if it is right, raise --max-delete for one run"
	}
	return "check that the push was successful and went to this repository; run regsweep after the push, with the references that were pushed"
}
