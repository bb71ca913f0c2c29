package relay

import (
	"errors"
	"io"
	"time"
)

// line is one direction of a connection.
type line struct {
	delay time.Duration // how long each byte is on its way
	opens time.Time     // nothing sets out before
	tap   io.Writer     // gets a copy of all bytes when they set out; nil for none
}

// inFlight bounds the chunks that are on their way on one line. With as many as these in a delay of 10 ms and the least
// that a chunk can be, the head of a request, a connection carries a hundred thousand requests in a second.
const inFlight = 1024

// chunk is bytes that were read at once, and when they arrive.
type chunk struct {
	bytes []byte
	due   time.Time
}

// carry copies from one end to the other until there is no more or an end fails. Chunks travel beside each other: each
// has its own time of arrival, and none waits for the one before to arrive before it sets out, so that the line is
// longer but not narrower.
func (l line) carry(to io.Writer, from io.Reader) error {
	if l.delay == 0 && l.opens.IsZero() {
		if l.tap != nil {
			from = io.TeeReader(from, l.tap)
		}
		_, err := io.Copy(to, from)
		return err
	}
	flying := make(chan chunk, inFlight)
	stop := make(chan struct{})
	arrived := make(chan error, 1)
	go func() {
		err := arrive(to, flying)
		close(stop)
		arrived <- err
	}()
	left := l.depart(from, flying, stop)
	close(flying)
	return errors.Join(left, <-arrived)
}

// depart reads chunks and sends them on their way until there is no more or stop is closed.
func (l line) depart(from io.Reader, flying chan<- chunk, stop <-chan struct{}) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			sets := time.Now()
			if sets.Before(l.opens) {
				sets = l.opens
			}
			c := chunk{append([]byte(nil), buffer[:n]...), sets.Add(l.delay)}
			if l.tap != nil {
				_, _ = l.tap.Write(c.bytes)
			}
			select {
			case flying <- c:
			case <-stop:
				return nil // the other end has said why
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// arrive writes each chunk when it is due.
func arrive(to io.Writer, flying <-chan chunk) error {
	for c := range flying {
		if wait := time.Until(c.due); wait > 0 {
			<-time.After(wait)
		}
		if _, err := to.Write(c.bytes); err != nil {
			return err
		}
	}
	return nil
}
