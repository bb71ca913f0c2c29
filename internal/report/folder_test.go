package report

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/rank"
)

var (
	folderName  = regexp.MustCompile(`^(index\.html|style\.css|(space|builds)-[1-9]\d*\.svg|sample-[a-z]+\.svg)$`)
	folderImage = regexp.MustCompile(`<img class="(bar|timeline|sample)" src="([^"]*)" alt="([^"]*)"`)
)

// checkFolder holds that the files of a folder are a whole: the page shows each drawing that the page in one file has, from a
// file that is there, and refers to nothing else.
func checkFolder(t *testing.T, files []FolderFile, whole string) {
	t.Helper()
	byName := map[string]string{}
	for _, f := range files {
		if !folderName.MatchString(f.Name) || byName[f.Name] != "" {
			t.Errorf("a file has the name %q, which another has or which is not safe", f.Name)
		}
		byName[f.Name] = string(f.Content)
	}
	page := byName[PageFile]
	if files[len(files)-1].Name != PageFile || byName[StyleFile] != styleSheet || !strings.Contains(page, `<link rel="stylesheet" href="style.css">`) {
		t.Errorf("no page with its style, the page last, in %d files", len(files))
	}
	if strings.Contains(page, "<svg") || strings.Contains(page, "<style") {
		t.Error("the page has drawings or a style of its own")
	}
	images := folderImage.FindAllStringSubmatch(page, -1)
	if got, want := len(images), strings.Count(whole, "<svg "); got != want || strings.Count(page, "<img") != got {
		t.Errorf("%d drawings, the page in one file has %d", got, want)
	}
	shown := []string{PageFile, StyleFile}
	for _, i := range images {
		svg, found := byName[i[2]]
		title, _, _ := strings.Cut(i[3], ": ")
		if !found || i[1] != "sample" && (title == "" || !strings.Contains(svg, "<title>"+title)) {
			t.Errorf("%s, which shows %q, has %q", i[2], i[3], svg)
		}
		shown = append(shown, i[2])
	}
	for name, content := range byName {
		if !slices.Contains(shown, name) {
			t.Errorf("the page does not show %s", name)
		}
		if strings.HasSuffix(name, ".svg") {
			checkSVG(t, name, content)
		}
	}
}

// checkSVG holds that a file is one element of SVG, without a script or a style.
func checkSVG(t *testing.T, name, content string) {
	t.Helper()
	var root struct {
		XMLName xml.Name
		ViewBox string `xml:"viewBox,attr"`
	}
	decoder := xml.NewDecoder(strings.NewReader(content))
	if err := decoder.Decode(&root); err != nil || root.XMLName.Space != "http://www.w3.org/2000/svg" || root.XMLName.Local != "svg" || root.ViewBox == "" {
		t.Errorf("%s: %v, %+v in %s", name, err, root, content)
	}
	if token, err := decoder.Token(); err == nil {
		if _, err = decoder.Token(); !errors.Is(err, io.EOF) {
			t.Errorf("%s goes on with %v", name, token)
		}
	}
	for _, bad := range []string{"<script", "<style", "style=", "href", "ZgotmplZ", " on"} {
		if strings.Contains(regexp.MustCompile(`(?s)<(title|desc)>.*?</(title|desc)>`).ReplaceAllString(content, ""), bad) {
			t.Errorf("%s has %q: %s", name, bad, content)
		}
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	for name, s := range cases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := Folder(s)
			if err != nil {
				t.Fatal(err)
			}
			checkFolder(t, files, writeHTML(t, s))
		})
	}
}

func TestRankingFolder(t *testing.T) {
	t.Parallel()
	for name, r := range rankings() {
		files, err := RankingFolder(r, 3)
		var whole strings.Builder
		if err == nil {
			err = WriteRanking(&whole, FormHTML, r, RankingOptions{Top: 3})
		}
		if err != nil {
			t.Fatal(name, err)
		}
		checkFolder(t, files, whole.String())
	}
}

// A folder is not one text.
func TestFolderIsNotWritten(t *testing.T) {
	t.Parallel()
	if err := Write(io.Discard, FormFolder, ordinary()); err == nil {
		t.Error("a summary is written as a folder")
	}
	if err := WriteRanking(io.Discard, FormFolder, rank.Ranking{}, RankingOptions{}); err == nil {
		t.Error("a ranking is written as a folder")
	}
}
