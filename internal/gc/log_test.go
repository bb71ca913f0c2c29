package gc

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// folder holds logs of real collections: of docker-registry 2.8.2 and distribution 3.1.2, which held the same
// images. The real ones have standard error between, the untagged ones are of --delete-untagged.
const folder = "../../testdata/gc"

func logText(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The repositories that the logs are of: 35 of 40 builds of web are left, 14 of 15 of api; gateway has 4 indexes with
// two platforms and their provenance, signed has 3 images with signature, SBOM and the SBOM's list; latest was pushed
// three times.
var (
	marked2 = []Marked{
		{"tools/lint", 3, 7},
		{"zdtest/api", 14, 29},
		{"zdtest/emptied", 0, 0},
		{"zdtest/gateway", 20, 25},
		{"zdtest/latest", 3, 7},
		{"zdtest/signed", 12, 11},
		{"zdtest/web", 35, 71},
	}
	marked3 = []Marked{ // without the base layer that they share with tools/lint
		{"tools/lint", 3, 7},
		{"zdtest/api", 14, 28},
		{"zdtest/emptied", 0, 0},
		{"zdtest/gateway", 20, 24},
		{"zdtest/latest", 3, 6},
		{"zdtest/signed", 12, 10},
		{"zdtest/web", 35, 70},
	}
)

func TestReadLog(t *testing.T) {
	t.Parallel()
	untagged := []Marked{ // children and attachments without a tag are marked by what refers to them
		{"tools/lint", 3, 7},
		{"zdtest/api", 14, 28},
		{"zdtest/emptied", 0, 0},
		{"zdtest/gateway", 4, 40},
		{"zdtest/latest", 1, 2},
		{"zdtest/signed", 9, 13},
		{"zdtest/web", 35, 70},
	}
	for file, want := range map[string]Log{
		"dry-run-2.8.log":          {marked2, 232, 21, 0, 0},
		"real-2.8.log":             {marked2, 232, 21, 0, 0},
		"dry-run-3.1.log":          {marked3, 232, 21, 0, 0},
		"real-3.1.log":             {marked3, 232, 21, 0, 0},
		"dry-run-untagged-3.1.log": {untagged, 226, 27, 2, 0},
		"real-untagged-3.1.log":    {untagged, 226, 27, 2, 0},
	} {
		for way, text := range ways(logText(t, file)) {
			t.Run(file+" "+way, func(t *testing.T) {
				t.Parallel()
				got, err := ReadLog(strings.NewReader(text))
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
				}
			})
		}
	}
}

// ways are the forms in which the same log arrives.
func ways(text string) map[string]string {
	begin := regexp.MustCompile(`(?m)^`)
	text = strings.TrimSuffix(text, "\n")
	return map[string]string{
		"as printed":                 text + "\n",
		"without the last line feed": text,
		"with CRLF":                  strings.ReplaceAll(text, "\n", "\r\n") + "\r\n",
		"of docker logs -t":          begin.ReplaceAllString(text, "2026-11-24T00:48:39.995036880Z "),
		"of kubectl --timestamps":    begin.ReplaceAllString(text, "2026-11-24T01:48:39.995036880+01:00 "),
		"with standard error":        begin.ReplaceAllString(text, "time=\"2026-11-24T00:48:39Z\" level=warning msg=\"No HTTP secret\"\n"),
		"with JSON of standard error": begin.ReplaceAllString(text,
			"{\"level\":\"info\",\"msg\":\"Deleting blob\"}\n\x1b[36mINFO\x1b[0m[0000] Deleting blob: /docker\nWARN[0001] slow\n"),
	}
}

// What 2.7 and 3.0 print differs in lines that are not counted.
func TestReadLogOfOtherVersions(t *testing.T) {
	t.Parallel()
	d := func(n int) string { return fmt.Sprintf("sha256:%064x", n) }
	for name, text := range map[string]string{
		"2.7, untagged": "team/gc\nmanifest eligible for deletion: " + d(9) + "\nteam/gc: marking manifest " + d(1) + " \nteam/gc: marking blob " + d(2) +
			"\nteam/gc: marking blob " + d(2) + "\n\n2 blobs marked, 4 blobs and 1 manifests eligible for deletion\nblob eligible for deletion: " + d(9) + "\n",
		"3.0, no folder of tags": "team/gc\nteam/gc: marking manifest " + d(1) + " \nteam/gc: marking blob " + d(2) +
			"\nmanifest tags path of repository team/gc does not exist\nmanifest eligible for deletion: {team/gc " + d(9) + " [" + strings.Repeat("latest ", 50_000) + "]}\n" +
			"\n2 blobs marked, 4 blobs and 1 manifests eligible for deletion\nteam/gc: layer link eligible for deletion: " + d(9) + "\n",
		"another algorithm": "team/gc\nteam/gc: marking manifest sha512:" + strings.Repeat("a", 128) + "\nteam/gc: marking blob sha512:" + strings.Repeat("b", 128) +
			"\n2 blobs marked, 4 blobs and 1 manifests eligible for deletion\n",
	} {
		got, err := ReadLog(iotest.OneByteReader(strings.NewReader(text)))
		if want := (Log{[]Marked{{"team/gc", 1, 1}}, 2, 4, 1, 0}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
		}
	}
}

const gitlabLog = `time="2026-11-27T03:00:01Z" level=info msg="marking repository" repository=app stage=mark version=v4.15.2-gitlab
time="2026-11-27T03:00:02Z" level=info msg="mark stage complete" blobs_marked=2 blobs_to_delete=1 manifests_to_delete=0 stage=mark
`

// A log arrives as people have it: shown by some program, with text around it, several in one file, in another encoding.
func TestReadLogAsPeopleHaveIt(t *testing.T) {
	t.Parallel()
	whole := logText(t, "dry-run-2.8.log")
	prefix := func(p string) string {
		return regexp.MustCompile(`(?m)^`).ReplaceAllString(strings.TrimSuffix(whole, "\n"), p) + "\n"
	}
	seconds := 0
	ticking := regexp.MustCompile(`(?m)^`).ReplaceAllStringFunc(strings.TrimSuffix(whole, "\n"), func(string) string {
		seconds++
		fraction := ""
		if seconds%7 > 0 {
			fraction = "." + strings.Repeat("5", seconds%7)
		}
		return fmt.Sprintf("Nov %2d %02d:%02d:%02d%s host docker[%d]: ", 9+seconds/200, seconds/60%24, seconds%60, seconds%59, fraction, 900+seconds)
	})
	utf := func(order binary.AppendByteOrder, text string) string {
		var out []byte
		for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
			out = order.AppendUint16(out, u)
		}
		return string(out)
	}
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, whole)
	_ = z.Close()
	for name, text := range map[string]string{
		"compose":                          prefix("registry-1  | "),
		"swarm":                            prefix("registry_registry.1.abcd@node1    | "),
		"kubectl --prefix":                 prefix("[pod/registry-gc-x7k2p/registry] "),
		"kubectl, both":                    prefix("[pod/registry-gc-x7k2p/registry] 2026-11-27T03:00:01.1Z "),
		"journalctl":                       prefix("Nov 27 03:00:01 host docker[1234]: "),
		"short-iso":                        prefix("2026-11-27T03:00:01+0000 host docker[1234]: "),
		"a clock that ticks":               ticking,
		"CRI":                              prefix("2026-11-27T03:00:01.123456789Z stdout F "),
		"Jenkins":                          prefix("[2026-11-27T03:00:01.123Z] "),
		"Jenkins' clock":                   prefix("03:00:01  "),
		"GitLab's jobs":                    prefix("2026-11-27T03:00:01.123456Z 01O "),
		"ts":                               prefix("Nov 27 03:00:01 "),
		"blanks alone":                     prefix("    "),
		"lines without blanks at the end":  regexp.MustCompile(`(?m) +$`).ReplaceAllString(prefix("registry-1  | "), ""),
		"a byte order mark":                "\ufeff" + whole,
		"UTF-16":                           utf(binary.LittleEndian, whole),
		"UTF-16, CRLF, the other way":      utf(binary.BigEndian, strings.ReplaceAll(whole, "\n", "\r\n")),
		"gzip":                             packed.String(),
		"appended twice":                   whole + whole,
		"appended to another":              logText(t, "dry-run-3.1.log") + whole,
		"appended to one that was cut":     whole[:len(whole)/2] + "\n+ registry garbage-collect\n" + whole,
		"one that was cut appended":        whole + whole[:len(whole)/2],
		"kubectl's word before":            "Defaulted container \"registry\" out of: registry, sidecar\n" + whole,
		"the command before":               "+ docker exec registry registry garbage-collect\n" + whole,
		"the command before, all with one": prefix("03:00:01  ")[:0] + "03:00:00  + docker exec registry\n" + prefix("03:00:01  "),
		"the next command after":           whole + "Filesystem 1K-blocks Used Available Use% Mounted on\ntotal\n",
		"a word after":                     whole + "done\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadLog(strings.NewReader(text))
			earlier := 0
			if name == "appended twice" || name == "appended to another" {
				earlier = 1
			}
			if want := (Log{marked2, 232, 21, 0, earlier}); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestReadLogRefuses(t *testing.T) {
	t.Parallel()
	whole := logText(t, "dry-run-2.8.log")
	head, _, _ := strings.Cut(whole, "\n\n")
	mark := "a: marking blob sha256:" + strings.Repeat("1", 64) + "\n"
	const sum = "1 blobs marked, 0 blobs and 0 manifests eligible for deletion\n"
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                         {"", "it is empty (garbage-collect --quiet prints nothing)"},
		"blank lines":                     {"\n\r\n \n", "it is empty"},
		"a log that is cut":               {head, `it is cut off: the summary line is missing`},
		"the last lines of one that is":   {head, `it ends with "zdtest/web: marking blob sha256:`},
		"one that is cut in a line":       {head[:len(head)-20], "it is cut off"},
		"one that is cut in a word":       {head[:len(head)-80], "it is cut off"},
		"a page":                          {"<html>\n<body>\n", `line 1 is not one of its lines: "<html>"; it ends with "<html>", "<body>"`},
		"binary":                          {"\x7fELF\x02\x01", `line 1 is not one of its lines: "\x7fELF`},
		"a gzip that is cut":              {"\x1f\x8b\x08\x00\x00\xff", "it cannot be unpacked by gzip"},
		"GitLab's":                        {gitlabLog, "it is the log of GitLab's registry"},
		"a head that is cut off":          {strings.Join(strings.SplitAfter(whole, "\n")[1:], ""), "marks something of a repository other than the one it is listed under"},
		"one repository is cut off":       {whole[strings.Index(whole, "zdtest/api\n"):], "and its summary says 232: its beginning is missing"},
		"a collection that failed":        {head + "\nfailed to garbage collect: failed to mark: filesystem: Path not found", `the garbage collection did not finish; it ends with "zdtest/web: `},
		"one that failed after marking":   {whole + "failed to garbage collect: failed to delete blob", "did not finish"},
		"a word":                          {"hello\n", "it is cut off"},
		"a mark under no repository":      {mark + sum, "line 1 marks something of a repository other than the one it is listed under"},
		"a mark under another repository": {"b\n" + mark + sum, "line 2 marks something"},
		"a mark of no digest":             {"a\na: marking blob latest\n" + sum, "it marks 0 digests"},
		"two summaries":                   {sum + sum, "it marks 0 digests, and its summary says 1: its beginning is missing"},
		"a number beyond all":             {"99999999999999999999 blobs marked, 0 blobs and 0 manifests eligible for deletion\n", "line 1 has a number that is too large"},
		"a number below zero":             {"-1 blobs marked, 0 blobs and 0 manifests eligible for deletion\n", "it marks 0 digests"},
		"a line without end":              {strings.Repeat("x", 10<<20), "line 1 is not one of its lines"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadLog(strings.NewReader(c.text))
			var bad *LogError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) || got.Repositories != nil {
				t.Errorf("got %+v, %v, want an error with %q", got, err, c.says)
			} else if strings.ContainsAny(err.Error(), "\n\r\x1f") || len(err.Error()) > 2000 {
				t.Errorf("the error is not one line of reasonable length: %q", err)
			}
		})
	}
}

// Whoever prints the log is in the middle of a collection, and must be read to the end.
func TestReadLogReadsToTheEnd(t *testing.T) {
	t.Parallel()
	r := strings.NewReader("rubbish!\n" + logText(t, "dry-run-2.8.log"))
	if _, err := readOwnLog(r); err == nil || r.Len() > 0 {
		t.Errorf("got error %v and %d bytes left", err, r.Len())
	}
	broken := errors.New("broken")
	if _, err := ReadLog(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	if _, err := readOwnLog(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}

// FuzzReadLog looks for a text that it panics on, or counts wrongly.
func FuzzReadLog(f *testing.F) {
	for _, file := range []string{"dry-run-2.8.log", "real-untagged-3.1.log"} {
		lines := strings.SplitAfter(logText(f, file), "\n")
		f.Add(strings.Join(append(lines[:6:6], lines[max(0, len(lines)-60):]...), ""))
	}
	f.Add("a\na: marking manifest sha256:" + strings.Repeat("0", 64) + "\n1 blobs marked, 0 blobs and 0 manifests eligible for deletion")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadLog(strings.NewReader(text))
		if _, err := readOwnLog(strings.NewReader(text)); err == nil && got.BlobsMarked < 0 {
			t.Error("below zero")
		}
		for _, mark := range []string{"\x1f\x8b", "\xff\xfe", "\xfe\xff"} {
			if strings.HasPrefix(text, mark) { // what is in it is counted otherwise
				return
			}
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !reflect.DeepEqual(got, Log{}) {
				t.Errorf("got %+v, %q", got, err)
			}
			return
		}
		marks, headers := 0, 0
		for _, r := range got.Repositories {
			if headers++; r.Manifests < 0 || r.Blobs < 0 || r.Name == "" {
				t.Errorf("got %+v", r)
			}
			marks += r.Manifests + r.Blobs
		}
		if lines := strings.Count(text, "\n") + 1; marks > strings.Count(text, ": marking ") || headers > lines {
			t.Errorf("%d marks and %d repositories in %d lines", marks, headers, lines)
		}
		if got.BlobsMarked < 0 || got.BlobsEligible < 0 || got.ManifestsEligible < 0 {
			t.Errorf("got %+v", got)
		}
	})
}

// BenchmarkReadLog reads a repository as large as one that was seen: 134,161 lines.
func BenchmarkReadLog(b *testing.B) {
	var text strings.Builder
	text.WriteString("team/app\n")
	for i := range 134_161 {
		kind := "blob"
		if i%8 == 0 {
			kind = "manifest"
		}
		fmt.Fprintf(&text, "team/app: marking %s sha256:%064x\n", kind, i/4)
	}
	text.WriteString("\n33541 blobs marked, 0 blobs and 0 manifests eligible for deletion\n")
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadLog(strings.NewReader(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}
