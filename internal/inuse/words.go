package inuse

import "strings"

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// inWord reports whether references are made of such bytes.
func inWord(c byte) bool { return alphanumeric(c) || strings.IndexByte("._-/:@", c) >= 0 }

// readWords takes a line apart.
func (t *Text) readWords(line string, at place) {
	for i := 0; i < len(line); {
		start := i
		for i < len(line) {
			if n := addressLength(line[i:]); n > 0 {
				i += n
			} else if inWord(line[i]) {
				i++
			} else {
				break
			}
		}
		if i == start {
			i++
			continue
		}
		t.readWord(line[start:i], at)
		if start > 0 && line[start-1] == '\\' { // JSON within JSON: \napp:v1
			if word := line[start:i]; strings.IndexByte("nrt", word[0]) >= 0 {
				t.readWord(word[1:], at)
			} else if word[0] == 'u' && len(word) > 5 {
				t.readWord(word[5:], at)
			}
		}
	}
}

// addressLength returns the length of the IPv6 address, in brackets, that the text begins with as a reference does
// ([::1]:5000/app), or 0.
func addressLength(s string) int {
	if s == "" || s[0] != '[' {
		return 0
	}
	end := strings.IndexByte(s[:min(len(s), len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"))], ']')
	if end < 0 || strings.Count(s[:end], ":") < 2 || strings.Trim(s[1:end], "0123456789abcdefABCDEF:.") != "" {
		return 0
	}
	if rest := s[end+1:]; rest == "" || (rest[0] != ':' && rest[0] != '/') {
		return 0
	}
	return end + 1
}

// readWord notes what a word may name. A scheme goes (docker-pullable://app@sha256:…), ":-" parts the default of a
// variable from its name (${TAG:-v1}), and what ends in a full stop may or may not end a sentence.
func (t *Text) readWord(word string, at place) {
	for part := range strings.SplitSeq(word, ":-") {
		if n := strings.LastIndex(part, "://"); n >= 0 {
			part = part[n+3:]
		}
		part = strings.TrimRight(strings.TrimLeft(part, "-./:@"), "/:@")
		t.readName(part, at)
		if shorter := strings.TrimRight(part, "-./:@"); shorter != part {
			t.readName(shorter, at)
		}
	}
}

func (t *Text) readName(name string, at place) {
	if name == "" {
		return
	}
	name, digest, pinned := strings.Cut(name, "@")
	repository, tag := cutTag(name)
	repository = canonical(repository)
	switch {
	case pinned:
		t.add(repository+"@"+digest, at)
		if tag != "" { // docker pulls by the digest, but whoever wrote the tag means it
			t.add(repository+":"+tag, at)
		}
	case tag == "":
		t.add(repository, at) // latest, or a word
	default:
		t.add(joined(name, repository, tag), at)
		if n := strings.LastIndexByte(repository, ':'); n >= 0 && !strings.Contains(name, "/") {
			t.add(name[n+1:], at) // digest:sha256:…, image:app:v1
		}
	}
}

// joined returns the repository with the tag, as a part of the word where it is one, so that most names need no memory.
func joined(word, repository, tag string) string {
	if n := len(repository) + 1 + len(tag); n <= len(word) && word[len(word)-n:len(word)-len(tag)-1] == repository {
		return word[len(word)-n:]
	}
	return repository + ":" + tag
}

func (t *Text) add(name string, at place) {
	if _, ok := t.names[name]; !ok {
		t.names[name] = at
	}
}
