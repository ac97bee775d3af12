# Completion of convcalc in bash. The program is asked what may stand where the cursor is, and
# answers with lines of a kind, a word (from the last `=` on, where bash breaks words) and a text.

_convcalc() {
    local program=convcalc kind value text
    case $1 in
        "~/"*/convcalc) program=$HOME/${1#"~/"} ;;
        */convcalc) program=$1 ;;
    esac
    COMPREPLY=()
    while IFS=$'\t' read -r kind value text; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            more) COMPREPLY+=("$value") && compopt -o nospace ;;
            file) _convcalc_files -f -- "$value" ;;
            spec)
                _convcalc_files -f -X '!*.y*ml' -- "$value" &&
                    _convcalc_files -f -X '!*.onnx' -- "$value" && _convcalc_files -d -- "$value"
                ;;
        esac
    done <<< "$(_CONVCALC_COMPLETE=bash COMP_WORDBREAKS=$COMP_WORDBREAKS \
        "$program" "${COMP_LINE:0:COMP_POINT}" < /dev/null)"
} 2> /dev/null

# What bash finds with some options of `compgen`.
_convcalc_files() {
    local name
    compopt -o filenames || return # bash 3.2 finds files by itself, where no name fits
    while IFS= read -r name; do
        [ -z "$name" ] || COMPREPLY+=("$name")
    done <<< "$(compgen "$@")"
}

if type compopt > /dev/null 2>&1; then
    complete -F _convcalc convcalc
else
    complete -o default -F _convcalc convcalc
fi
