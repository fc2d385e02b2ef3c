# bash completion for ccwfs: the program itself tells how a line can go on.
_ccwfs() {
    # A word ends at a space; bash thinks that it ends at = and : too, and replaces only what is behind them.
    local line=${COMP_LINE:0:COMP_POINT} word known offer
    line=${line#*[[:space:]]}
    word=${line##*[[:space:]]}
    COMPREPLY=()
    if [[ ${line%"$word"} == *'-- ' ]]; then # the command of ccwfs qemu
        mapfile -t COMPREPLY < <(compgen -c -- "$word")
        return
    fi
    [[ ${line%"$word"} != *' -- '* ]] || return # its arguments: files
    if [[ $word == --*=* ]]; then # as if the value were a word of its own
        line=${line%"$word"}${word%%=*}' '${word#*=}
        word=${word#*=}
    fi
    known=${word%"${word##*[=:]}"}
    while IFS= read -r offer; do
        [[ $offer == "$word"* && $offer != [-/]['?h'] ]] || continue
        [[ $offer != *[=,] ]] || compopt -o nospace
        COMPREPLY+=("${offer#"$known"}")
    done < <("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)
}
complete -o default -F _ccwfs ccwfs
