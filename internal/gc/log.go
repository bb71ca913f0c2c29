package gc

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Log is what a garbage collection printed.
type Log struct {
	// Repositories are in the order of the log. A repository without a manifest is among them.
	Repositories []Marked
	// BlobsMarked, BlobsEligible and ManifestsEligible are those of the summary line. To the registry a manifest is a
	// blob too. A dry run prints what a real one does, so that eligible ones were deleted or would be.
	BlobsMarked, BlobsEligible, ManifestsEligible int
}

// Marked is what a collection found in use in one repository.
type Marked struct {
	Name string
	// Manifests are the marked manifests, tagged or not.
	Manifests int
	// Blobs are the configs and layers that were marked in the repository, each once: 2.x prints a blob again for each
	// manifest that refers to it. 3.x prints a blob only in the first repository that has it.
	Blobs int
}

// LogError says why a text is not the whole output of a garbage collection.
type LogError struct {
	Problem string
	// Last are the last lines of the text, shortened; empty when there are none.
	Last []string
}

// Error returns one line: the problem and the last lines.
func (e *LogError) Error() string {
	if len(e.Last) == 0 {
		return "not the log of a garbage collection: " + e.Problem
	}
	quoted := make([]string, len(e.Last))
	for i, line := range e.Last {
		quoted[i] = strconv.Quote(line)
	}
	return fmt.Sprintf("not the log of a garbage collection: %s; it ends with %s", e.Problem, strings.Join(quoted, ", "))
}

const (
	// maxLine bounds what is kept of a line. Only the lines of deleted manifests are longer, because 3.x prints every tag
	// of the repository with each, and those are told by their beginning.
	maxLine = 64 << 10
	// lastLines and lastRunes bound what an error shows of a log.
	lastLines = 3
	lastRunes = 160
)

// ReadLog reads what `garbage-collect` of distribution 2.7, 2.8, 3.0 and 3.1 prints, dry or real (storage/garbagecollect.go
// of each). Lines of the registry's own log, which a real run writes to standard error, may stand between, and each line
// may begin with the time that docker or kubectl put there. Memory is that of the largest repository's digests. It reads
// to the end also when the text is a [LogError] early on, so that whoever prints it is never cut off.
func ReadLog(r io.Reader) (Log, error) {
	p := parser{}
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			line = bytes.Clone(line)
			err = skipLine(in)
		}
		if len(line) > 0 {
			p.line(string(line))
		}
		if errors.Is(err, io.EOF) {
			return p.end()
		}
		if err != nil {
			return Log{}, fmt.Errorf("read log: %w", err)
		}
	}
}

// skipLine reads to the end of a line of any length.
func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// parser takes a log line by line.
type parser struct {
	log     Log
	seen    map[[sha256.Size]byte]bool // digests of the current repository; true for a manifest
	summary bool
	lines   int
	problem string
	last    []string
}

const (
	name   = `[a-z0-9]+(?:[._/-]+[a-z0-9]+)*` // of a repository (https://pkg.go.dev/github.com/distribution/reference)
	digest = `[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}`
)

var (
	timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) ?`)
	header    = regexp.MustCompile(`^` + name + `$`)
	marking   = regexp.MustCompile(`^(` + name + `): marking (manifest|blob) (` + digest + `)$`)
	summary   = regexp.MustCompile(`^(\d+) blobs marked, (\d+) blobs and (\d+) manifests eligible for deletion$`)
	eligible  = regexp.MustCompile(`^(?:manifest|blob|` + name + `: layer link) eligible for deletion: `)
	noTags    = regexp.MustCompile(`^manifest tags path of repository ` + name + ` does not exist$`)
	// talk is the registry's own log in the forms of logrus: text, JSON, and with colours on a terminal.
	talk = regexp.MustCompile(`^(?:time=|level=|\{"|(?:\x1b\[\d+m)?(?:TRAC|DEBU|INFO|WARN|ERRO)(?:\x1b\[0m)?\[)`)
	// failure is how a collection that stops says so, on standard error.
	failure = regexp.MustCompile(`^failed to `)
)

// line takes a line; it is cheap once there is a problem.
func (p *parser) line(text string) {
	p.lines++
	text = strings.TrimRight(text[len(timestamp.FindString(text)):], " \r\n")
	if text == "" {
		return
	}
	p.remember(text)
	if p.problem == "" && !talk.MatchString(text) {
		p.problem = p.take(text)
	}
}

// take takes a line that the collection has printed and returns what is wrong with it.
func (p *parser) take(text string) string {
	if m := marking.FindStringSubmatch(text); m != nil {
		return p.mark(m[1], m[2], m[3])
	}
	if m := summary.FindStringSubmatch(text); m != nil {
		return p.sum(m[1:])
	}
	switch {
	case eligible.MatchString(text), noTags.MatchString(text):
		return ""
	case failure.MatchString(text):
		return "the collection did not come to its end"
	case header.MatchString(text) && len(text) <= 255 && !p.summary:
		p.log.Repositories = append(p.log.Repositories, Marked{Name: text})
		p.seen = map[[sha256.Size]byte]bool{}
		return ""
	}
	return fmt.Sprintf("line %d is none of its lines: %q", p.lines, shorten(text))
}

// mark counts a digest in the repository that it stands under. An index refers to its children as it does to blobs, and
// so does the log; they are counted as manifests.
func (p *parser) mark(repository, kind, digest string) string {
	n := len(p.log.Repositories)
	if p.summary || n == 0 || p.log.Repositories[n-1].Name != repository {
		return fmt.Sprintf("line %d marks something of %s, which is not the repository above it", p.lines, repository)
	}
	current, k := &p.log.Repositories[n-1], key(digest)
	manifest, known := p.seen[k]
	switch {
	case kind == "manifest" && !manifest:
		if known {
			current.Blobs--
		}
		current.Manifests++
		p.seen[k] = true
	case kind == "blob" && !known:
		current.Blobs++
		p.seen[k] = false
	}
	return ""
}

// key is a digest in few bytes.
func key(digest string) (k [sha256.Size]byte) {
	encoded, ok := strings.CutPrefix(digest, "sha256:")
	if n, err := hex.Decode(k[:], []byte(encoded[:min(len(encoded), 2*len(k))])); ok && err == nil && n == len(k) {
		return k
	}
	return sha256.Sum256([]byte(digest))
}

// sum takes the numbers of the summary line.
func (p *parser) sum(numbers []string) string {
	if p.summary {
		return fmt.Sprintf("line %d is a second summary", p.lines)
	}
	p.summary, p.seen = true, nil
	for i, to := range []*int{&p.log.BlobsMarked, &p.log.BlobsEligible, &p.log.ManifestsEligible} {
		n, err := strconv.Atoi(numbers[i])
		if err != nil {
			return fmt.Sprintf("line %d has a number that cannot be: %s", p.lines, shorten(numbers[i]))
		}
		*to = n
	}
	return ""
}

func (p *parser) end() (Log, error) {
	switch {
	case p.problem != "":
	case len(p.last) == 0:
		p.problem = "it is empty (with --quiet a collection prints nothing)"
	case !p.summary:
		p.problem = "it is cut, there is no summary line (… blobs marked, … eligible for deletion)"
	default:
		return p.log, nil
	}
	return Log{}, &LogError{p.problem, p.last}
}

// remember keeps the last lines.
func (p *parser) remember(text string) {
	if len(p.last) == lastLines {
		copy(p.last, p.last[1:])
		p.last = p.last[:lastLines-1]
	}
	p.last = append(p.last, text)
}

// shorten makes a line fit for an error.
func shorten(text string) string {
	if runes := []rune(text[:min(len(text), 4*lastRunes)]); len(runes) > lastRunes {
		return string(runes[:lastRunes]) + "…"
	}
	return text
}
