package report

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ours are the elements that reports are made of.
var ours = regexp.MustCompile(`</?(details|summary|code)>`)

// checkMarkdown holds that a report is whole: each table has a head, a rule and as many columns in each row, each fold is
// closed, and there is no HTML but ours.
func checkMarkdown(t testing.TB, text string) {
	t.Helper()
	for _, element := range []string{"details", "summary", "code"} {
		open, closed := strings.Count(text, "<"+element+">"), strings.Count(text, "</"+element+">")
		if open != closed {
			t.Errorf("%d <%s> and %d </%s>", open, element, closed, element)
		}
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("the last line is cut: %q", text[max(0, len(text)-80):])
	}
	columns, row := 0, 0
	for line := range strings.Lines(text) {
		if rest := ours.ReplaceAllString(line, ""); strings.Contains(rest, "<") {
			t.Errorf("foreign HTML in %q", line)
		}
		if !strings.HasPrefix(line, "|") {
			if row == 1 || row == 2 {
				t.Errorf("a table has no rows before %q", line)
			}
			columns, row = 0, 0
			continue
		}
		n := strings.Count(line, "|")
		if row == 0 {
			columns = n
		}
		if row == 1 && !strings.HasPrefix(line, "| :-- |") {
			t.Errorf("a table has no rule but %q", line)
		}
		if n != columns {
			t.Errorf("%d columns, want %d, in %q", n-1, columns-1, line)
		}
		row++
	}
}

var moreRow = regexp.MustCompile(`(?m)^\| … ([0-9,]+) more \|`)

// rowsOf counts the rows of a table by its head: those that are there, and those that are only counted.
func rowsOf(t *testing.T, text, head string) (there, counted int) {
	t.Helper()
	_, rest, found := strings.Cut(text, head+"\n")
	if !found {
		return 0, 0
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	if m := moreRow.FindStringSubmatch(table); m != nil {
		n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		counted = n
	}
	there = strings.Count(table, "\n") // the rule is one, the last row has no end
	if counted > 0 {
		there--
	}
	return there, counted
}

func TestMarkdownBudget(t *testing.T) {
	t.Parallel()
	summaries := cases()
	if !testing.Short() {
		summaries["one of 50,000 images"] = large(1, 50_000)
	}
	summaries["500 of 100 images"] = large(500, 100)
	for name, s := range summaries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			budgets := []int{summaryBudget, 3000, 20 << 10}
			if s.Totals().Manifests < 1000 { // then a run costs next to nothing
				for b := range 100 {
					budgets = append(budgets, 97*b)
				}
			}
			for _, budget := range budgets {
				var b bytes.Buffer
				err := WriteMarkdown(&b, s, budget)
				if err != nil && (!errors.Is(err, ErrBudget) || b.Len() > 0) {
					t.Fatalf("budget %d: got error %v and %d bytes", budget, err, b.Len())
				}
				if b.Len() > budget {
					t.Errorf("budget %d: got %d bytes", budget, b.Len())
				}
				checkMarkdown(t, b.String())
			}
		})
	}
}

func TestMarkdownCuts(t *testing.T) {
	t.Parallel()
	images := 50_000
	if testing.Short() {
		images = 20_000
	}
	s := large(1, images)
	total := s.Totals()
	for _, budget := range []int{30 << 10, 300 << 10, summaryBudget} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := WriteMarkdown(&b, s, budget); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			if want := fmt.Sprintf("deleted %d images, kept 2, failed %d", total.Deleted, total.Failed); !strings.Contains(text, want) {
				t.Errorf("the first line is %q, want %q in it", text[:200], want)
			}
			for _, table := range []struct {
				head string
				want int
			}{
				{"| what | repository | image | why |", total.Failed},
				{"| kept | age | size | why |", total.Kept},
				{"| image | outcome | age | size | why |", total.Deleted},
			} {
				there, counted := rowsOf(t, text, table.head)
				if there == 0 || there+counted != table.want {
					t.Errorf("%s: %d rows and %d counted, want %d together", table.head, there, counted, table.want)
				}
			}
			if b.Len() < budget*9/10 {
				t.Errorf("got %d bytes of %d: the budget is not used", b.Len(), budget)
			}
		})
	}
}

func TestMarkdownManyRepositories(t *testing.T) {
	t.Parallel()
	s := large(500, 100)
	total := s.Totals()
	var b bytes.Buffer
	if err := WriteMarkdown(&b, s, summaryBudget); err != nil {
		t.Fatal(err)
	}
	head := "| repository | kept | deleted | failed | unreferenced | note |"
	if there, counted := rowsOf(t, b.String(), head); there != 501 || counted != 0 {
		t.Errorf("the first table has %d rows and counts %d, want 500 and the totals", there, counted)
	}
	want := fmt.Sprintf("| **total** | %d | %d | %d | %s |", total.Kept, total.Deleted, total.Failed, size(total.UniqueBytes))
	if !strings.Contains(b.String(), want) {
		t.Errorf("no row %q", want)
	}
}

// A large repository must not take the room of the small ones beside it.
func TestMarkdownShares(t *testing.T) {
	t.Parallel()
	large := large(1, 5000).Repositories[0]
	large.Name.Path = "large"
	s := summary(&fixture{r: large}, repo("small").pair(9).builds(7, 1, deleted))
	var b bytes.Buffer
	if err := WriteMarkdown(&b, s, 40<<10); err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(b.String(), "#### `registry.example.com:5000/small`\n")
	if !found || strings.Contains(section, "more") || strings.Count(section, "\n| `") != 9 {
		t.Errorf("the small repository is cut:\n%s", section)
	}
}
