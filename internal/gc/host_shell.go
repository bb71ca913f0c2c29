package gc

import (
	"context"
	"fmt"
	"path"
)

// shellHost is a machine where the registry runs as a plain process, which the operator's own commands stop and start.
type shellHost struct {
	t                         *Target
	via                       transport
	stopCommand, beginCommand string
}

func (s *shellHost) open(context.Context) error         { return nil }
func (s *shellHost) settle(context.Context, bool) error { return nil }
func (s *shellHost) close(context.Context) error        { return nil }
func (s *shellHost) facts() facts                       { return facts{} }
func (s *shellHost) startCommand() string               { return s.beginCommand }
func (s *shellHost) restarts() string {
	return "for example Restart= of a systemd unit, or what --gc-stop does not stop"
}
func (s *shellHost) wrap(args []string) []string { return s.via.wrap(args) }
func (s *shellHost) feed(args []string) []string { return s.via.wrap(args) }

func (s *shellHost) stop(ctx context.Context, folder string) error {
	return s.operate(ctx, folder, "stop", s.stopCommand)
}

func (s *shellHost) start(ctx context.Context, folder string) error {
	return s.operate(ctx, folder, "start", s.beginCommand)
}

func (s *shellHost) operate(ctx context.Context, folder, what, text string) error {
	file := path.Join(folder, ".regsweep-gc-"+what+".log")
	if err := s.t.onHost(script(operateScript, file, text)).run(ctx); err != nil {
		return fmt.Errorf("--gc-%s %q: %w", what, text, err)
	}
	return nil
}
