package gc

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/regsweep/regsweep/internal/oci"
)

// maxLog bounds how much of a log is read, unpacked. A line is about a hundred bytes, so it has millions of blobs.
const maxLog = 1 << 30

// ReadLog reads the log of a garbage collection as people have it: as it was printed, or as docker, compose, swarm, Kubernetes,
// a journal or a CI system shows it, with the same kind of text before each line; with other text before and after; several
// one after the other, of which the last whole one counts; in UTF-16; packed by gzip. It has to be whole: the digests that it
// marks are as many as its last line says. Every other error of reading apart, a text that is not such a log is a [LogError].
func ReadLog(r io.Reader) (Log, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxLog+1))
	if err != nil {
		return Log{}, fmt.Errorf("read log: %w", err)
	}
	if len(text) > maxLog {
		return Log{}, &LogError{Problem: fmt.Sprintf("it is longer than %d MiB", maxLog>>20)}
	}
	plain, err := decode(text)
	if err != nil {
		return Log{}, err
	}
	lines := bytes.Split(plain, []byte("\n"))
	at, prefix := lastSummary(lines)
	if at < 0 {
		if bytes.Contains(plain, []byte("-gitlab")) && bytes.Contains(plain, []byte("mark stage complete")) {
			return Log{}, &LogError{Problem: "it is the log of GitLab's registry, which does not say by repository what is in use"}
		}
		return readOwnLog(bytes.NewReader(plain)) // which says what is wrong with it
	}
	log, err := parseBlock(lines, at, prefix)
	for _, line := range lines[:at] {
		if anySummary.Match(line) {
			log.Earlier++
		}
	}
	return log, err
}

// decode unpacks a text, and makes it valid UTF-8 without a byte order mark.
func decode(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		in, err := gzip.NewReader(bytes.NewReader(text))
		if err == nil {
			text, err = io.ReadAll(io.LimitReader(in, maxLog+1))
		}
		if err != nil || len(text) > maxLog {
			return nil, &LogError{Problem: "it cannot be unpacked by gzip, or is too large"}
		}
	}
	for mark, order := range map[string]binary.ByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
		if rest, has := bytes.CutPrefix(text, []byte(mark)); has {
			units := make([]uint16, len(rest)/2)
			for i := range units {
				units[i] = order.Uint16(rest[2*i:])
			}
			return []byte(string(utf16.Decode(units))), nil
		}
	}
	return bytes.ToValidUTF8(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), []byte("\uFFFD")), nil
}

var anySummary = regexp.MustCompile(`^(.*?)\d+ blobs marked, \d+ blobs and \d+ manifests eligible for deletion[ \r]*$`)

// lastSummary finds the last summary line and what matches the text before each line of its log. It returns -1 for a text without a summary line.
func lastSummary(lines [][]byte) (int, *regexp.Regexp) {
	for i := len(lines) - 1; i >= 0; i-- {
		if m := anySummary.FindSubmatch(lines[i]); m != nil {
			return i, prefixLike(string(m[1]))
		}
	}
	return -1, nil
}

// prefixLike matches texts of the same form as one: a time and a number change from line to line, and an empty line has lost
// the blanks at its end. It is nil for no text.
func prefixLike(text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	var b strings.Builder
	for _, part := range prefixPart.FindAllString(strings.TrimRight(text, " "), -1) {
		switch c := part[0]; {
		case c >= '0' && c <= '9':
			b.WriteString(`\d+`)
		case c == '.' && len(part) > 1:
			b.WriteString(`(?:\.\d+)?`) // a fraction of a second, which is left out when it is nothing
		case c == ' ':
			b.WriteString(` +`)
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			b.WriteString(`[A-Za-z]+`)
		default:
			b.WriteString(regexp.QuoteMeta(part))
		}
	}
	return regexp.MustCompile(`^` + b.String() + ` *`)
}

var prefixPart = regexp.MustCompile(`\.\d+|\d+|[A-Za-z]+| +|[^ ]`)

// block are the lines of one log among others.
type block struct {
	lines  [][]byte
	prefix *regexp.Regexp
}

// line is a line without its prefix; ok is false when it has none.
func (b block) line(i int) (text string, ok bool) {
	line := bytes.TrimRight(b.lines[i], " \r")
	if b.prefix != nil && len(line) > 0 {
		m := b.prefix.FindIndex(line)
		if m == nil {
			return "", false
		}
		line = line[m[1]:]
	}
	line = line[:min(len(line), maxLine)]
	return string(line[len(timestamp.Find(line)):]), true
}

// parseBlock reads the log whose summary is at a line: it begins after the last line before that which is not one of a log,
// or which is the end of an earlier log.
func parseBlock(lines [][]byte, at int, prefix *regexp.Regexp) (Log, error) {
	b := block{lines, prefix}
	first := at
	for first > 0 {
		text, ok := b.line(first - 1)
		if !ok || !belongs(text) || strings.HasPrefix(text, "blob eligible for deletion: ") || summary.MatchString(text) {
			break
		}
		first--
	}
	p := parser{lines: first}
	marked := map[oci.Key]bool{}
	for i := first; i < len(lines); i++ {
		text, ok := b.line(i)
		if i > at && (!ok || !belongs(text) && !strings.HasPrefix(text, "failed to ") || isHeader(text)) {
			break // the next command's, or another log's that is not whole
		}
		p.line(text)
		if _, what, is := strings.Cut(text, ": marking "); is {
			_, d, _ := strings.Cut(what, " ")
			marked[oci.KeyOf(oci.Digest(d))] = true
		}
	}
	log, err := p.end()
	if err == nil && len(marked) < log.BlobsMarked {
		return Log{}, &LogError{Problem: fmt.Sprintf("it marks %s, and its summary says %d: its beginning is missing", count(len(marked), "digest", "digests"), log.BlobsMarked)}
	}
	return log, err
}

// belongs reports whether a line can be one of a log.
func belongs(text string) bool {
	if repository, what, ok := strings.Cut(text, ": marking "); ok {
		kind, d, _ := strings.Cut(what, " ")
		return isHeader(repository) && (kind == "manifest" || kind == "blob") && isDigest(d)
	}
	return text == "" || eligible.MatchString(text) || noTags.MatchString(text) || logged.MatchString(text) || isHeader(text) || summary.MatchString(text)
}
