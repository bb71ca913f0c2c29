package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// faults are the ways in which a request fails, by name.
var faults = map[string]func(*exchange){
	"429":             func(x *exchange) { x.json(http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down") },
	"429-retry-after": func(x *exchange) { x.wait("1") },
	"429-date":        func(x *exchange) { x.wait(time.Now().Add(time.Second).UTC().Format(http.TimeFormat)) },
	"500":             func(x *exchange) { x.json(http.StatusInternalServerError, "UNKNOWN", "unknown error") },
	"503":             func(x *exchange) { x.json(http.StatusServiceUnavailable, "UNAVAILABLE", "service unavailable") },
	"502-html":        func(x *exchange) { x.html(http.StatusBadGateway) },
	"504-html":        func(x *exchange) { x.html(http.StatusGatewayTimeout) },
	"404-html":        func(x *exchange) { x.html(http.StatusNotFound) },
	"403":             func(x *exchange) { x.json(http.StatusForbidden, "DENIED", "requested access is denied") },
	"403-html":        func(x *exchange) { x.html(http.StatusForbidden) },
	"405-html":        func(x *exchange) { x.html(http.StatusMethodNotAllowed) },
	"200-html":        func(x *exchange) { x.html(http.StatusOK) },
	"401":             (*exchange).challenge,
	"reset-before":    (*exchange).reset,
	"hang":            (*exchange).hang,

	"executed-reset":     func(x *exchange) { x.execute(); x.reset() },
	"executed-503":       func(x *exchange) { x.execute(); x.json(http.StatusServiceUnavailable, "UNAVAILABLE", "unavailable") },
	"executed-500":       func(x *exchange) { x.execute(); x.json(http.StatusInternalServerError, "UNKNOWN", "unknown error") },
	"executed-502-html":  func(x *exchange) { x.execute(); x.html(http.StatusBadGateway) },
	"executed-504-html":  func(x *exchange) { x.execute(); x.html(http.StatusGatewayTimeout) },
	"executed-truncated": func(x *exchange) { x.truncate(x.execute(), true) },

	"truncated":    func(x *exchange) { x.truncate(x.pass(), false) },
	"wrong-length": func(x *exchange) { x.shorten(x.pass()) },
	"slow":         func(x *exchange) { x.pause(300 * time.Millisecond); x.answer(x.pass()) },
	"slow-answer":  func(x *exchange) { a := x.pass(); x.pause(300 * time.Millisecond); x.answer(a) },
	"drip":         func(x *exchange) { x.drip(x.pass()) },
	"hang-a-while": func(x *exchange) { x.pause(1500 * time.Millisecond); x.answer(x.pass()) },
}

// passing are those that a run may meet now and then.
var passing = []string{
	"429", "429-retry-after", "429-date", "500", "503", "502-html", "504-html", "404-html", "403", "403-html", "405-html",
	"200-html", "401", "reset-before", "reset-before", "executed-reset", "executed-reset", "executed-reset", "executed-503", "executed-500",
	"executed-502-html", "executed-504-html", "executed-truncated", "truncated", "wrong-length", "slow",
	"slow-answer", "drip", "hang-a-while",
}

// repeats is what an error says of the login that came with the request.
func (x *exchange) repeats() string {
	if x.proxy.s.echo {
		return " (you sent " + x.r.Header.Get("Authorization") + ")"
	}
	return ""
}

func (x *exchange) json(status int, code, message string) {
	x.write(status, "application/json", fmt.Appendf(nil, `{"errors":[{"code":%q,"message":%q}]}`, code, message+x.repeats()))
}

func (x *exchange) html(status int) {
	x.write(status, "text/html; charset=utf-8", fmt.Appendf(nil, "<html><head><title>%d</title></head><body><h1>%s</h1>%s</body></html>",
		status, http.StatusText(status), x.repeats()))
}

func (x *exchange) write(status int, contentType string, body []byte) {
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the program may be gone
}

func (x *exchange) wait(retryAfter string) {
	x.w.Header().Set("Retry-After", retryAfter)
	x.json(http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down")
}

// challenge asks for a login, whether or not one came.
func (x *exchange) challenge() {
	value := `Basic realm="registry"`
	if x.proxy.s.login == bearer {
		action := "pull"
		if x.r.Method == http.MethodDelete {
			action = "delete"
		}
		value = fmt.Sprintf("Bearer realm=%q,service=%q,scope=%q", "http://"+x.r.Host+"/token", "registry", "repository:"+x.proxy.w.name+":"+action)
	}
	x.w.Header().Set("WWW-Authenticate", value)
	x.json(http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}

// reset ends the connection as a crash does, without an answer.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an end
	}
	_ = conn.Close()
}

// hang never answers: it ends when the program hangs up or the schedule is over.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.proxy.over:
	}
}

func (x *exchange) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-x.r.Context().Done():
	case <-x.proxy.over:
	}
}

// answer passes on what the registry said.
func (x *exchange) answer(a answer) {
	if a.status == 0 {
		x.html(http.StatusBadGateway)
		return
	}
	copyHeader(x.w.Header(), a.header)
	x.w.WriteHeader(a.status)
	_, _ = x.w.Write(a.body)
}

// truncate says how long the body is and ends in the middle of it, or of the header.
func (x *exchange) truncate(a answer, inHeader bool) {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	if inHeader || a.status == 0 {
		fmt.Fprintf(conn, "HTTP/1.1 %d OK\r\nContent-Le", max(a.status, 200))
		return
	}
	fmt.Fprintf(conn, "HTTP/1.1 %d OK\r\nContent-Length: %d\r\nContent-Type: %s\r\nDocker-Content-Digest: %s\r\n\r\n%s",
		a.status, len(a.body)+10, a.header.Get("Content-Type"), a.header.Get("Docker-Content-Digest"), a.body[:len(a.body)/2])
}

// shorten says a length that is too small, so that the body is cut without a word.
func (x *exchange) shorten(a answer) {
	if a.status != http.StatusOK || x.r.Method == http.MethodHead {
		x.answer(a)
		return
	}
	a.body = a.body[:len(a.body)*2/3]
	a.header = a.header.Clone()
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	x.answer(a)
}

// drip answers in small pieces.
func (x *exchange) drip(a answer) {
	if a.status == 0 {
		x.html(http.StatusBadGateway)
		return
	}
	copyHeader(x.w.Header(), a.header)
	x.w.WriteHeader(a.status)
	flush := http.NewResponseController(x.w)
	for len(a.body) > 0 {
		n := min(len(a.body), 1+len(a.body)/3)
		if _, err := x.w.Write(a.body[:n]); err != nil {
			return
		}
		_ = flush.Flush()
		a.body = a.body[n:]
		x.pause(20 * time.Millisecond)
	}
}
