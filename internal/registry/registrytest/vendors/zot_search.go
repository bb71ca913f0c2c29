package vendors

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// zotSearch is where the search extension answers GraphQL.
const zotSearch = "/v2/_zot/ext/search"

var (
	zotImageList = regexp.MustCompile(`^\s*(?:query\s*\w*\s*)?\{\s*ImageList\s*\(\s*repo\s*:\s*"([^"]*)"\s*\)\s*(\{.*\})\s*\}\s*$`)
	zotWord      = regexp.MustCompile(`[A-Za-z_]\w*|[{}]`)
)

// search answers the query ImageList of one repository, with the fields that the client selects. Pages are not offered.
func (f *Zot) search(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query().Get("query")
	if r.Method == http.MethodPost {
		var body struct{ Query string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			f.failSearch(w, "json request body could not be decoded: "+err.Error())
			return
		}
		query = body.Query
	}
	m := zotImageList.FindStringSubmatch(strings.ReplaceAll(query, "\n", " "))
	if m == nil {
		f.failSearch(w, "the fake knows the query ImageList of a repository alone")
		return
	}
	words := zotWord.FindAllString(m[2], -1)
	list, rest, err := selected(words, f.imageList(m[1]))
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unexpected %s", rest[0])
	}
	if err != nil {
		f.failSearch(w, err.Error())
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{"data": map[string]any{"ImageList": list}})
}

// failSearch answers as the GraphQL server does to a query that it cannot run.
func (f *Zot) failSearch(w http.ResponseWriter, message string) {
	answerJSON(w, http.StatusUnprocessableEntity, map[string]any{"errors": []map[string]string{{"message": message}}, "data": nil})
}

// imageList has a row for each tag; what has no tag is not listed.
func (f *Zot) imageList(path string) map[string]any {
	all, tags, times := f.holdings(path), f.Tags(path), f.TagTimes(path)
	results := []any{}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		h := all[tags[tag]]
		if h == nil {
			continue
		}
		referrers, manifests := []any{}, []any{}
		for _, d := range referrersOf(all, h.digest) {
			referrers = append(referrers, map[string]any{"Digest": d, "ArtifactType": all[d].artifactType, "MediaType": all[d].mediaType})
		}
		for _, d := range h.children {
			manifests = append(manifests, map[string]any{"Digest": d})
		}
		if h.children == nil {
			manifests = append(manifests, map[string]any{"Digest": h.digest})
		}
		tagged := times[tag].Created
		if !times[tag].Switched.IsZero() {
			tagged = times[tag].Switched
		}
		results = append(results, map[string]any{
			"RepoName": path, "Tag": tag, "Digest": h.digest, "MediaType": h.mediaType, "Size": strconv.FormatInt(h.size, 10),
			"PushTimestamp": h.pushed.UTC().Format(time.RFC3339Nano), "TaggedTimestamp": tagged.UTC().Format(time.RFC3339Nano),
			"LastPullTimestamp": "0001-01-01T00:00:00Z", "IsDeletable": len(listedBy(all, h.digest)) == 0,
			"Referrers": referrers, "Manifests": manifests,
		})
	}
	return map[string]any{"Results": results, "Page": map[string]any{"TotalCount": len(results), "ItemCount": len(results)}}
}

// selected cuts a value down to a selection, which begins with its brace, and returns what comes after it. A field that
// does not exist is an error, as in GraphQL.
func selected(words []string, value any) (out any, rest []string, err error) {
	if list, ok := value.([]any); ok {
		rows := []any{}
		for _, row := range list {
			if out, _, err = selected(words, row); err != nil {
				return nil, nil, err
			}
			rows = append(rows, out)
		}
		return rows, afterSelection(words), nil
	}
	object, ok := value.(map[string]any)
	if !ok || len(words) == 0 || words[0] != "{" {
		return value, words, nil
	}
	chosen := map[string]any{}
	for rest = words[1:]; len(rest) > 0 && rest[0] != "}"; {
		name := rest[0]
		field, known := object[name]
		if !known {
			return nil, nil, fmt.Errorf("cannot query field %q", name)
		}
		if chosen[name], rest, err = selected(rest[1:], field); err != nil {
			return nil, nil, err
		}
	}
	if len(rest) == 0 {
		return nil, nil, fmt.Errorf("expected a closing brace")
	}
	return chosen, rest[1:], nil
}

// afterSelection skips a selection in braces, if there is one.
func afterSelection(words []string) []string {
	depth := 0
	for i, w := range words {
		switch w {
		case "{":
			depth++
		case "}":
			depth--
		}
		if depth == 0 {
			if w == "}" {
				return words[i+1:]
			}
			return words[i:]
		}
	}
	return nil
}
