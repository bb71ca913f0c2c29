package gc

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Log is what a garbage collection printed.
type Log struct {
	// Repositories are in the order of the log. A repository without a manifest is among them.
	Repositories []Marked
	// BlobsMarked, BlobsEligible and ManifestsEligible are those of the summary line. To the registry a manifest is a
	// blob too. A dry run prints what a real one does, so that eligible ones were deleted or would be.
	BlobsMarked, BlobsEligible, ManifestsEligible int
	// Earlier is how many other logs, by their summaries, stood before this one in the same text.
	Earlier int
}

// Marked is what a garbage collection found in use in one repository.
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
	// Last are the last lines of the text, shortened. It is empty for an empty text.
	Last []string
	// empty is true when there is no text, own when a line of a garbage collection is in it, failed when it says itself that
	// it did not finish.
	empty, own, failed bool
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

// DryRunCommand makes a whole log.
const DryRunCommand = "registry garbage-collect --dry-run CONFIG > gc.log"

// LogHint says how to make a whole log.
const LogHint = "--from needs everything that the garbage collection prints: " + DryRunCommand

// Hint says how to make a whole log.
func (e *LogError) Hint() string { return LogHint }

const (
	// maxLine bounds what is kept of a line. Only the lines of deleted manifests are longer, because 3.x prints every tag
	// of the repository with each, and the beginning of those is enough.
	maxLine = 64 << 10
	// maxLast and maxRunes bound what an error shows of a log.
	maxLast  = 3
	maxRunes = 160
)

// readOwnLog reads what `garbage-collect` of distribution 2.7, 2.8, 3.0 and 3.1 prints, dry or real
// (storage/garbagecollect.go of each). Lines of the registry's own log, which a real run writes to standard error, may stand
// between. It needs memory for the digests of the largest repository. It reads to the end also when an early line is wrong, so
// that the program that prints the log is never cut off. A text that is not a whole log is a [LogError].
func readOwnLog(r io.Reader) (Log, error) { return (&parser{}).read(r) }

// read is [readOwnLog] with a parser that may keep more than the log's numbers.
func (p *parser) read(r io.Reader) (Log, error) {
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
	seen    map[oci.Key]bool // digests of the current repository; true for a manifest
	summed  bool             // the summary line was there
	own     bool             // a line that only a garbage collection prints was there
	lines   int
	problem string
	badLine int  // that the problem is with
	failed  bool // the collection says so itself
	last    []string
	listing *Listing // takes the digests of manifests; nil keeps none
}

// name is the form of a repository's (https://pkg.go.dev/github.com/distribution/reference).
const name = `[a-z0-9]+(?:[._/-]+[a-z0-9]+)*`

var (
	timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)(?: |$)`)
	header    = regexp.MustCompile(`^` + name + `$`)
	summary   = regexp.MustCompile(`^(\d+) blobs marked, (\d+) blobs and (\d+) manifests eligible for deletion$`)
	eligible  = regexp.MustCompile(`^(?:manifest|blob|` + name + `: layer link) eligible for deletion: `)
	noTags    = regexp.MustCompile(`^manifest tags path of repository ` + name + ` does not exist$`)
	digest    = regexp.MustCompile(`^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}$`)
	// logged is a line of the registry's own log in the forms of logrus: text, JSON, and with colours on a terminal.
	logged = regexp.MustCompile(`^(?:time=|level=|\{"|(?:\x1b\[\d+m)?(?:TRAC|DEBU|INFO|WARN|ERRO)(?:\x1b\[0m)?\[)`)
)

// isHeader reports whether a line is the name of a repository.
func isHeader(text string) bool { return len(text) <= maxName && header.MatchString(text) }

// maxName is that of a repository (https://pkg.go.dev/github.com/distribution/reference, NameTotalLengthMax).
const maxName = 255

// line takes a line; after a problem it is only remembered.
func (p *parser) line(text string) {
	p.lines++
	if len(text) > 4 && text[4] == '-' { // spares nearly all lines the regular expression
		text = text[len(timestamp.FindString(text)):]
	}
	text = strings.TrimRight(text, " \r\n")
	if text == "" {
		return
	}
	if p.remember(text); p.problem == "" {
		p.problem, p.badLine = p.take(text), p.lines
	}
	p.own = p.own || strings.Contains(text, " eligible for deletion: ") || strings.Contains(text, ": marking ")
}

// take takes a line that is not empty and returns what is wrong with it.
func (p *parser) take(text string) string {
	if repository, what, ok := strings.Cut(text, ": marking "); ok {
		if kind, d, ok := strings.Cut(what, " "); ok && (kind == "manifest" || kind == "blob") && isDigest(d) {
			return p.mark(repository, kind == "manifest", d)
		}
	}
	if m := summary.FindStringSubmatch(text); m != nil {
		return p.sum(m[1:])
	}
	if what, is := strings.CutPrefix(text, eligibleManifest); is && p.listing != nil {
		return p.candidate(what)
	}
	switch {
	case eligible.MatchString(text), noTags.MatchString(text), logged.MatchString(text):
		return ""
	case strings.HasPrefix(text, "failed to "): // on standard error, as the last line
		p.failed = true
		return "the garbage collection did not finish"
	case isHeader(text) && !p.summed:
		p.log.Repositories = append(p.log.Repositories, Marked{Name: text})
		p.seen = map[oci.Key]bool{}
		return ""
	}
	return fmt.Sprintf("line %d is not one of its lines: %q", p.lines, shorten(text))
}

// mark counts a digest in the repository that it stands under. An index refers to its children as it does to blobs, and
// so does the log: what is marked as both is a manifest.
func (p *parser) mark(repository string, manifest bool, d string) string {
	n := len(p.log.Repositories)
	if p.summed || n == 0 || p.log.Repositories[n-1].Name != repository {
		return fmt.Sprintf("line %d marks something of a repository other than the one it is listed under", p.lines)
	}
	p.own = true
	if manifest && p.listing != nil {
		p.listing.mark(repository, oci.Digest(d))
	}
	current, k := &p.log.Repositories[n-1], oci.KeyOf(oci.Digest(d))
	before, known := p.seen[k]
	switch {
	case manifest && !before:
		if known {
			current.Blobs--
		}
		current.Manifests++
		p.seen[k] = true
	case !manifest && !known:
		current.Blobs++
		p.seen[k] = false
	}
	return ""
}

// isDigest has a short way for the digests that distribution itself makes.
func isDigest(d string) bool {
	hex, ok := strings.CutPrefix(d, "sha256:")
	if ok && len(hex) == 2*sha256.Size {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return digest.MatchString(d)
}

// sum takes the numbers of the summary line.
func (p *parser) sum(numbers []string) string {
	if p.summed {
		return fmt.Sprintf("line %d is a second summary", p.lines)
	}
	p.summed, p.own, p.seen = true, true, nil
	for i, to := range []*int{&p.log.BlobsMarked, &p.log.BlobsEligible, &p.log.ManifestsEligible} {
		n, err := strconv.Atoi(numbers[i])
		if err != nil {
			return fmt.Sprintf("line %d has a number that is too large: %s", p.lines, shorten(numbers[i]))
		}
		*to = n
	}
	return ""
}

func (p *parser) end() (Log, error) {
	inLine := p.badLine == p.lines && len(p.log.Repositories) > 0 && !p.failed // cut off in the middle of its last line
	switch {
	case p.problem != "" && (p.summed || !inLine):
	case len(p.last) == 0:
		p.problem = "it is empty (garbage-collect --quiet prints nothing)"
	case !p.summed:
		p.problem = "it is cut off: the summary line is missing (… blobs marked, … eligible for deletion)"
	default:
		return p.log, nil
	}
	for i, line := range p.last {
		p.last[i] = shorten(line)
	}
	return Log{}, &LogError{p.problem, p.last, len(p.last) == 0, p.own, p.failed}
}

// remember keeps the last lines.
func (p *parser) remember(text string) {
	if len(p.last) == maxLast {
		p.last = slices.Delete(p.last, 0, 1)
	}
	p.last = append(p.last, text)
}

// shorten cuts a line for an error.
func shorten(text string) string {
	if runes := []rune(text[:min(len(text), 4*maxRunes)]); len(runes) > maxRunes {
		return string(runes[:maxRunes]) + "…"
	}
	return text
}
