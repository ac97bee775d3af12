# Completion of convcalc in fish. The program is asked what may stand where the cursor is, and
# answers with lines of a kind, a word and a text.

function __convcalc_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --cut-at-cursor --current-token)
    set -l program convcalc
    string match -q '*/convcalc' -- $words[1]; and set program (string replace -r '^~/' $HOME/ -- $words[1])
    for line in (env _CONVCALC_COMPLETE=fish $program $words[2..-1] $word </dev/null 2>/dev/null)
        set -l fields (string split \t -- $line)
        switch $fields[1]
            case spec
                __fish_complete_suffix --complete=$fields[2] .yaml .yml
            case file
                set -l lead (string match -r -- '^--[^=]*=' $word)
                for path in (__fish_complete_path $fields[2])
                    echo $lead$path
                end
            case '*'
                echo $fields[2]\t$fields[3]
        end
    end
end

complete --command convcalc --no-files --arguments '(__convcalc_complete)'
