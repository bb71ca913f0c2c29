package cli

import (
	"fmt"
	"slices"
	"strings"
)

// words lists the commands, divided by sep.
func words(commands []offer, sep string) string {
	var out []string
	for _, c := range commands {
		out = append(out, c.command)
	}
	return strings.Join(out, sep)
}

// bashCompletion needs no bash-completion, and does with the bash 3.2 of macOS.
func bashCompletion(commands []offer) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, `# Completion of regsweep's command line: source <(regsweep completion bash)
_regsweep_reply() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$@")
}

_regsweep() {
  local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} command=%s
  COMPREPLY=()
  if ((COMP_CWORD > 1)); then
    case ${COMP_WORDS[1]} in
      %s) command=${COMP_WORDS[1]} ;;
    esac
  elif [[ $cur != -* ]]; then
    _regsweep_reply -W '%s' -- "$cur"
    return
  fi
  # To bash, the = in --output=json is a word.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $flag == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case "$command $flag" in
`, commands[0].command, words(commands, "|"), words(commands, " "))
	for _, c := range commands {
		for _, answer := range bashAnswers(c) {
			fmt.Fprintf(b, "    %s)\n      %s\n      return\n      ;;\n", strings.Join(answer.flags, " | "), answer.script)
		}
	}
	fmt.Fprintf(b, "  esac\n  case $command in\n")
	for _, c := range commands {
		var names []string
		for _, f := range c.flags {
			names = append(names, f.name)
		}
		fmt.Fprintf(b, "    %s)\n      if [[ $cur == -* ]]; then\n        %s\n", c.command, bashWords(names))
		if c.files {
			fmt.Fprintf(b, "      else\n        %s\n", bashFiles)
		}
		fmt.Fprintf(b, "      fi\n      ;;\n")
	}
	fmt.Fprintf(b, "  esac\n}\ncomplete -F _regsweep regsweep\n")
	return b.String()
}

// bashFiles completes names of files. Without compopt, as in bash 3.2, a folder gets a blank behind it.
const bashFiles = `compopt -o filenames 2>/dev/null; _regsweep_reply -f -- "$cur"`

func bashWords(words []string) string {
	return fmt.Sprintf(`_regsweep_reply -W '%s' -- "$cur"`, strings.Join(words, " "))
}

// bashAnswer is what completes the values of these flags.
type bashAnswer struct {
	script string
	flags  []string
}

func bashAnswers(c offer) []bashAnswer {
	var out []bashAnswer
	for _, f := range c.flags {
		script := ":" // whatever it is
		switch {
		case f.placeholder == "":
			continue
		case len(f.values) > 0:
			script = bashWords(f.values)
		case f.files:
			script = bashFiles
		case f.dirs:
			script = strings.Replace(bashFiles, "-f", "-d", 1)
		}
		name := "'" + c.command + " " + f.name + "'"
		if i := slices.IndexFunc(out, func(a bashAnswer) bool { return a.script == script }); i >= 0 {
			out[i].flags = append(out[i].flags, name)
		} else {
			out = append(out, bashAnswer{script, []string{name}})
		}
	}
	return out
}

// zshCompletion is a file for a folder of $fpath, by the name _regsweep, and can be sourced as well.
func zshCompletion(commands []offer) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, `#compdef regsweep
# Completion of regsweep's command line: source <(regsweep completion zsh)
_regsweep() {
  local command=%s
  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
    local -a commands=(
`, commands[0].command)
	for _, c := range commands {
		fmt.Fprintf(b, "      '%s:%s'\n", c.command, zshQuote(c.help, ""))
	}
	fmt.Fprintf(b, `    )
    _describe command commands
    return
  fi
  if ((CURRENT > 2)); then
    case $words[2] in
      %s)
        command=$words[2]
        shift words
        ((CURRENT--))
        ;;
    esac
  fi
  case $command in
`, words(commands, "|"))
	for _, c := range commands {
		fmt.Fprintf(b, "    %s)\n      _arguments -S", c.command)
		for _, f := range c.flags {
			fmt.Fprintf(b, " \\\n        '%s'", zshFlag(f))
		}
		if c.files {
			fmt.Fprintf(b, " \\\n        '*:file:_files'")
		} else {
			fmt.Fprintf(b, " \\\n        '*: :'")
		}
		fmt.Fprintf(b, "\n      ;;\n")
	}
	fmt.Fprintf(b, `  esac
}

# Out of $fpath this file is itself the function.
if [[ $funcstack[1] == _regsweep ]]; then
  _regsweep "$@"
else
  compdef _regsweep regsweep
fi
`)
	return b.String()
}

// zshFlag is a flag in the words of _arguments.
func zshFlag(f flagOffer) string {
	name := f.name
	if f.repeatable {
		name = "*" + name
	}
	if f.placeholder != "" {
		name += "="
	}
	name += "[" + zshQuote(f.help, "[]") + "]"
	if f.placeholder == "" {
		return name
	}
	name += ":" + zshQuote(f.placeholder, ":") + ":"
	switch {
	case len(f.values) > 0:
		return name + "(" + strings.Join(f.values, " ") + ")"
	case f.files:
		return name + "_files"
	case f.dirs:
		return name + "_files -/"
	}
	return name + " "
}

// zshQuote escapes text inside of single quotes, where a backslash goes before these characters and itself.
func zshQuote(text, special string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\'':
			b.WriteString(`'\''`)
			continue
		case r == '\\' || strings.ContainsRune(special, r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// fishCompletion is a file for fish's folder of completions, by the name regsweep.fish.
func fishCompletion(commands []offer) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, `# Completion of regsweep's command line: regsweep completion fish | source
function __regsweep_is
    set -l words (commandline -opc)
    set -l command %s
    if set -q words[2]; and contains -- $words[2] %s
        set command $words[2]
    end
    test $command = $argv[1]
end
complete -c regsweep -f
`, commands[0].command, words(commands, " "))
	for _, c := range commands {
		fmt.Fprintf(b, "complete -c regsweep -n 'test (count (commandline -opc)) -eq 1' -a %s -d %s\n", c.command, fishQuote(c.help))
	}
	for _, c := range commands {
		of := fmt.Sprintf("complete -c regsweep -n '__regsweep_is %s'", c.command)
		if c.files {
			fmt.Fprintf(b, "%s -F\n", of)
		}
		for _, f := range c.flags {
			fmt.Fprintf(b, "%s -l %s%s -d %s\n", of, strings.TrimPrefix(f.name, "--"), fishValues(f), fishQuote(f.help))
		}
	}
	return b.String()
}

func fishValues(f flagOffer) string {
	switch {
	case f.placeholder == "":
		return ""
	case len(f.values) > 0:
		return fmt.Sprintf(" -x -a '%s'", strings.Join(f.values, " "))
	case f.files:
		return " -r -F"
	case f.dirs:
		return " -x -a '(__fish_complete_directories)'"
	}
	return " -x"
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
