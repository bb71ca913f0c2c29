package gc

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// head is what a script prints before the first empty line: keys and values.
type head map[string][]string

func (h head) one(key string) string {
	if len(h[key]) == 0 {
		return ""
	}
	return strings.TrimSpace(h[key][0])
}

// number returns a number of the head, and whether there is one.
func (h head) number(key string) (int64, bool) {
	n, err := strconv.ParseInt(h.one(key), 10, 64)
	return n, err == nil
}

// readHead reads up to the first empty line.
func readHead(in *bufio.Reader) (head, error) {
	h := head{}
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimSuffix(line, "\n"); line == "" && err == nil {
			return h, nil
		}
		key, value, ok := strings.Cut(line, "=")
		if err != nil || !ok {
			return nil, fmt.Errorf("unexpected output %q from the shell there", oneLine(line))
		}
		h[key] = append(h[key], value)
	}
}
