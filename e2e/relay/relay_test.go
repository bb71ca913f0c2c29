package relay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// The tests of a line run on a clock that moves only when everybody waits, so that what they assert is exact.
func TestLineAddsItsDelayOnce(t *testing.T) {
	t.Parallel()
	const delay = 10 * time.Millisecond
	for _, tc := range []struct {
		name   string
		l      line
		chunks int
		want   time.Duration // from the first byte to the end
	}{
		{"no delay", line{}, 3, 0},
		{"one chunk", line{delay: delay}, 1, delay},
		{"chunks travel beside each other", line{delay: delay}, 500, delay},
		{"more than are in flight", line{delay: delay}, 2 * inFlight, 2 * delay},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				text := strings.Repeat("x", tc.chunks)
				var got bytes.Buffer
				began := time.Now()
				if err := tc.l.carry(&got, iotest.OneByteReader(strings.NewReader(text))); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != tc.want || got.String() != text {
					t.Errorf("got %d bytes after %v, want %d after %v", got.Len(), took, len(text), tc.want)
				}
			})
		})
	}
}

func TestLineOpensAfterTheHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const delay = 10 * time.Millisecond
		began := time.Now()
		l := line{delay: delay, opens: began.Add(2 * delay)}
		if err := l.carry(io.Discard, strings.NewReader("GET")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 3*delay {
			t.Errorf("got %v, want %v", took, 3*delay)
		}
	})
}

func TestLineEndsWithEitherEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		to   io.Writer
		from io.Reader
	}{
		{"the reader fails", io.Discard, iotest.ErrReader(broken)},
		{"the writer fails", failing{broken}, endless{}},
	} {
		for _, delay := range []time.Duration{0, time.Second} {
			t.Run(tc.name+" after "+delay.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					if err := (line{delay: delay}).carry(tc.to, tc.from); !errors.Is(err, broken) {
						t.Errorf("got %v, want %v", err, broken)
					}
				})
			})
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// endless says one byte for each time that it is asked.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, "x"), nil }

func TestRelayPassesBothWays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		o    Options
	}{
		{"as it is", Options{}},
		{"with a delay", Options{RoundTrip: 2 * time.Millisecond, Handshake: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var tapped safeBuffer
			tc.o.Tap = func() io.Writer { return &tapped }
			r := start(t, echo(t), tc.o)
			conn, err := net.Dial("tcp", r.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			text := strings.Repeat("a line that comes back\n", 10000)
			go func() {
				_, _ = io.WriteString(conn, text)
				_ = conn.(*net.TCPConn).CloseWrite()
			}()
			// The echo ends when the client has said all: the end travels in each direction by itself.
			got, err := io.ReadAll(conn)
			if err != nil || string(got) != text {
				t.Errorf("got %d bytes and %v, want %d", len(got), err, len(text))
			}
			if tapped.String() != text {
				t.Errorf("the tap got %d bytes, want %d", len(tapped.String()), len(text))
			}
		})
	}
}

func TestCloseEndsConnections(t *testing.T) {
	t.Parallel()
	r := start(t, echo(t), Options{RoundTrip: time.Millisecond})
	conn, err := net.Dial("tcp", r.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil { // and hangs when a connection is left
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection still lives")
	}
	if conn, err := net.Dial("tcp", r.Host); err == nil {
		conn.Close()
		t.Error("the relay still listens")
	}
}

func TestServerThatIsAway(t *testing.T) {
	t.Parallel()
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away.Close()
	r := start(t, away.Addr().String(), Options{})
	conn, err := net.Dial("tcp", r.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("got %d bytes from nobody", n)
	}
}

func start(t *testing.T, target string, o Options) *Relay {
	t.Helper()
	r, err := Start(target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// echo starts a server that says what it hears.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
