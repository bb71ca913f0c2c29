package report

// Line says in one line what the run did, for an annotation or a build's description.
func (s Summary) Line() string {
	text := s.verdict(s.Totals())
	if s.GC != nil && len(s.Repositories) > 0 {
		text += " · " + collected(s.GC)
	}
	if a := s.alarm(); a != "" {
		text = a + " · " + text
	}
	return text
}
