# Completes regsweep's command line in fish: regsweep completion fish | source
function __regsweep
    set -l words (commandline -opc)
    set -e words[1]
    set -l cur (commandline -ct)
    set -l flag (string match -r -- '^--[^=]+=' "$cur")
    for line in (regsweep completion words -- $words "$cur" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$cur"
            case :directories
                __fish_complete_directories "$cur"
            case '*'
                echo "$flag$line"
        end
    end
end
complete -c regsweep -f -a '(__regsweep)'
