package gc

import (
	"context"
	"fmt"
	"path"
)

// shell is a machine where the registry runs as a plain process, and the operator has said how it is stopped and started.
type shell struct {
	t                   *Target
	via                 transport
	stopping, beginning string
}

func (s *shell) open(context.Context) error  { return nil }
func (s *shell) close(context.Context) error { return nil }
func (s *shell) surroundings() surroundings  { return surroundings{} }
func (s *shell) starting() string            { return s.beginning }
func (s *shell) wrap(args []string) []string { return s.via.wrap(args) }

func (s *shell) stop(ctx context.Context, folder string) error {
	return s.operate(ctx, folder, "stop", s.stopping)
}

func (s *shell) start(ctx context.Context, folder string) error {
	return s.operate(ctx, folder, "start", s.beginning)
}

func (s *shell) operate(ctx context.Context, folder, what, text string) error {
	file := path.Join(folder, ".regsweep-gc-"+what+".log")
	if err := s.t.there(script(operateScript, file, text)).run(ctx); err != nil {
		return fmt.Errorf("--gc-%s %q: %w", what, text, err)
	}
	return nil
}
