#compdef convcalc
# Completion of convcalc in zsh. The program is asked what may stand where the cursor is, and
# answers with lines of a kind, a word and a text.

_convcalc() {
    local program=convcalc line kind value
    local -a fields plain more
    case $words[1] in
        \~/*/convcalc) program=$HOME/${words[1]#\~/} ;;
        */convcalc) program=$words[1] ;;
    esac
    local -i found=1
    for line in "${(@f)$(_CONVCALC_COMPLETE=zsh $program "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" \
        < /dev/null 2> /dev/null)}"; do
        fields=("${(@ps:\t:)line}")
        value=${fields[2]//:/\\:}${fields[3]:+:$fields[3]}
        case $fields[1] in
            plain) plain+=("$value") ;;
            more) more+=("$value") ;;
            spec) _files -g '*.(yaml|yml|onnx)(-.)' && found=0 ;;
            file) compset -P '--*='; _files && found=0 ;;
        esac
    done
    (( $#plain )) && _describe -V convcalc plain && found=0
    (( $#more )) && _describe -V convcalc more -S '' && found=0
    return found
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _convcalc "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _convcalc convcalc
fi
