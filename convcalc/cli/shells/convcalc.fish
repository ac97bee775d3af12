# Completion of convcalc in fish. The program is asked what may stand where the cursor is, and
# answers with lines of a kind, a word and a text.

function __convcalc_complete
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l word (commandline --cut-at-cursor --current-token)
    set -l program convcalc
    if string match --quiet '*/convcalc' -- $words[1]
        set program (string replace --regex '^~/' $HOME/ -- $words[1])
    end
    for line in (env _CONVCALC_COMPLETE=fish $program $words[2..-1] "$word" </dev/null 2>/dev/null)
        set -l fields (string split \t -- $line)
        switch $fields[1]
            case file
                __convcalc_files "$word"
            case spec
                __convcalc_files "$word" | string match --regex '.*(?:\.ya?ml|\.onnx|/)$'
            case '*'
                echo $fields[2]\t$fields[3]
        end
    end
end

# The files that a word begins, which may have the name of an option before it.
function __convcalc_files --argument-names word
    set -l option (string match --regex -- '^--[^=]*=' $word)
    set -l begun (string replace --regex -- '^--[^=]*=' '' $word)
    for file in (complete --do-complete "__convcalc_no_such_command $begun")
        echo "$option$file"
    end
end

complete --command convcalc --no-files --arguments '(__convcalc_complete)'
