#compdef regsweep
# Completes regsweep's command line in zsh: source <(regsweep completion zsh)
# It also works as the file _regsweep in a folder of $fpath.
_regsweep() {
  local -a lines=("${(@f)$(regsweep completion words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  lines=("${(@)lines/$'\t'/:}")
  compset -P '--*='
  case $lines[1] in
    '') return 1 ;;
    :files) _files ;;
    :directories) _files -/ ;;
    *) _describe regsweep lines ;;
  esac
}
# In a folder of $fpath, this file is the body of the function itself.
if [[ $funcstack[1] == _regsweep ]]; then
  _regsweep "$@"
else
  compdef _regsweep regsweep
fi
