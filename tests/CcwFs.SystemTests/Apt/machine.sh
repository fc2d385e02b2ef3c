# Sourced by tests of what apt is asked: the scripts of the repository on a machine of recorded lists, or of another distribution's real ones.
#   MACHINE   a directory that holds etc/os-release, etc/apt, status (what is installed) and preferences
#   LISTS     the recorded repositories that stand for every archive; nothing: the real ones
source "$REPOSITORY/scripts/setup"

python3() {
    command python3 "$@" "$MACHINE" || return
    [[ -z ${LISTS-} ]] || sed -i -e "s|^URIs: .*|URIs: file:$LISTS|" -e 's|^Signed-By:.*|Trusted: yes|' "$3"
}

need() { :; } # keys are of no use here

on_machine() {
    private_apt "$MACHINE/apt.$1" "$1"
    if [[ $1 == "$(dpkg --print-architecture)" ]]; then
        apt_options+=(-o "Dir::State::status=$MACHINE/status" -o "Dir::State::extended_states=$MACHINE/extended_states"
            -o "Dir::Etc::Preferences=$MACHINE/preferences" -o Dir::Etc::PreferencesParts=/dev/null)
    fi
}

# What apt would do by the words that were chosen: the words, then what it installs, a NAME VERSION a line.
told() {
    echo "${apt_words[*]}"
    sed -n 's/^\(Inst\|Remv\) \([^ ]*\) .*(\([^ ]*\).*/\1 \2 \3/p' <<<"$apt_said" | sed 's/^Inst //'
}
