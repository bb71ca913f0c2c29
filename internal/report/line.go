package report

// Line says in one line what the run did, for an annotation or a build's description.
func (s Summary) Line() string { return s.verdict(s.Totals()) }
