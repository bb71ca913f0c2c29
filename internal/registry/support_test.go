package registry_test

import (
	"context"
	"fmt"
	"net"
)

func sprint(format string, a any) string { return fmt.Sprintf(format, a) }

// dialTo connects to one address whatever host is asked for.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
}
