package publish_test

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// terminal opens a terminal of so many columns. It returns the end that a program writes to, and a function that closes it
// and returns all that was written (https://man7.org/linux/man-pages/man7/pty.7.html). Where terminals cannot be made, the
// test is skipped; with REGSWEEP_CI=1 it fails.
func terminal(t *testing.T, columns uint16) (program *os.File, written func() string) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil && os.Getenv("REGSWEEP_CI") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	var locked, number int32
	size := struct{ rows, columns, x, y uint16 }{rows: 50, columns: columns}
	control(t, person, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(t, person, syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(t, person, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	seen := make(chan string, 1)
	go func() {
		text, err := io.ReadAll(person)
		if !errors.Is(err, syscall.EIO) { // how the end of a terminal is told
			text = append(text, "unreadable: "+errorText(err)...)
		}
		seen <- string(text)
	}()
	return program, func() string {
		_ = program.Close()
		return strings.ReplaceAll(<-seen, "\r\n", "\n")
	}
}

func errorText(err error) string {
	if err == nil {
		return "the terminal has ended like a file"
	}
	return err.Error()
}

// control asks for something about a terminal.
func control(t *testing.T, f *os.File, what uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), what, uintptr(value)); failed != 0 {
		t.Fatal(failed)
	}
}

// screen returns the lines that a terminal of so many columns shows after all that was written to it, of which it knows
// what a progress bar needs: carriage returns and newlines. Lines end without their spaces, and there are none below the
// last one that shows something.
func screen(text string, columns int) []string {
	lines, row, column := [][]rune{nil}, 0, 0
	next := func() {
		row, column = row+1, 0
		if row == len(lines) {
			lines = append(lines, nil)
		}
	}
	for _, r := range text {
		switch r {
		case '\r':
			column = 0
		case '\n':
			next()
		default:
			if column == columns {
				next()
			}
			for len(lines[row]) <= column {
				lines[row] = append(lines[row], ' ')
			}
			lines[row][column] = r
			column++
		}
	}
	var out []string
	for _, line := range lines {
		out = append(out, strings.TrimRight(string(line), " "))
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}
