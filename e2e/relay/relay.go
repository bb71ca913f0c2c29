// Package relay is a TCP relay on loopback that makes a near server far away: it adds a round trip to what passes
// through, without making the line any narrower, and lets somebody look at what clients send.
package relay

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Options say what the relay does. The zero value only passes bytes on.
type Options struct {
	// RoundTrip is what a question and its answer take longer: half of it each. 0 adds nothing.
	RoundTrip time.Duration
	// Handshake lets a new connection cost a round trip before its first byte, as the three packets of TCP do on a real
	// line. Without it a connection through the relay is there at once.
	Handshake bool
	// Tap, when set, is asked once for each connection for a writer that gets a copy of what the client sends, before the
	// server gets it. What the writer returns is not looked at.
	Tap func() io.Writer
}

// Relay passes connections on to one server until it is closed.
type Relay struct {
	// Host is the address that clients connect to, such as "127.0.0.1:41234".
	Host string

	target   string
	o        Options
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
}

// Start listens on a free port of loopback and passes every connection on to the server at target, a host with a port.
func Start(target string, o Options) (*Relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start relay: %w", err)
	}
	r := &Relay{Host: l.Addr().String(), target: target, o: o, listener: l, open: map[net.Conn]struct{}{}}
	r.running.Go(r.accept)
	return r, nil
}

// Close ends the relay with all of its connections and waits until they are gone.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	err := r.listener.Close()
	for c := range r.open {
		_ = c.Close() // both ends are told, nothing else is left to do for them
	}
	r.mu.Unlock()
	r.running.Wait()
	return err
}

// accept takes connections until the listener is closed. One that fails by itself, such as for want of files, ends the
// relay too: a client then sees that nobody listens instead of waiting.
func (r *Relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.running.Go(func() { r.connect(client) })
	}
}

// connect reaches the server for a client and passes on what both say, until both have said all.
func (r *Relay) connect(client net.Conn) {
	defer r.forget(client)
	if !r.remember(client) {
		return
	}
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		return // the client sees its connection end
	}
	defer r.forget(server)
	if !r.remember(server) {
		return
	}
	there, back := line{delay: r.o.RoundTrip / 2}, line{delay: r.o.RoundTrip / 2}
	if r.o.Handshake {
		there.opens = time.Now().Add(r.o.RoundTrip)
	}
	if r.o.Tap != nil {
		there.tap = r.o.Tap()
	}
	var both sync.WaitGroup
	both.Go(func() { pass(there, server, client) })
	both.Go(func() { pass(back, client, server) })
	both.Wait()
}

// pass carries one direction. When it has ended well the other may go on, as TCP has it; else the connection is over.
func pass(l line, to, from net.Conn) {
	err := l.carry(to, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		err = half.CloseWrite()
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		_, _ = to.Close(), from.Close()
	}
}

// remember keeps a connection for Close, and says whether that is still to come.
func (r *Relay) remember(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.open[c] = struct{}{}
	}
	return !r.closed
}

func (r *Relay) forget(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, c)
}
