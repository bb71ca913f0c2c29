# Completes regsweep's command line in bash: source <(regsweep completion bash)
# It needs no bash-completion and works with the bash 3.2 of macOS.
_regsweep() {
  local cur=${COMP_WORDS[COMP_CWORD]} word
  COMPREPLY=()
  [[ $cur != = ]] || cur= # bash splits --output=json into three words
  while IFS=$'\t' read -r word _; do
    case $word in
      :files | :directories)
        compopt -o filenames 2>/dev/null # without it, as in bash 3.2, a folder gets a blank after it
        while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "-${word:1:1}" -- "$cur")
        ;;
      *) COMPREPLY+=("$word") ;;
    esac
  done < <(regsweep completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _regsweep regsweep
