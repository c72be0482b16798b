#compdef pizzactl
# Completion of pizzactl for zsh.  pizzactl says what fits: this only asks.
_pizzactl() {
	local value text
	local -a values shown open open_shown given
	given=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
	while IFS=$'\t' read -r value text; do
		case $value in
		:file)
			_files
			return
			;;
		*[=:])
			open+=("$value")
			open_shown+=("$value${text:+  -- $text}")
			;;
		*)
			values+=("$value")
			shown+=("$value${text:+  -- $text}")
			;;
		esac
	done < <("${words[1]}" completion words -- "${given[@]}" 2>/dev/null)
	(( ${#values} )) && compadd -l -V pizzactl -d shown -a values
	(( ${#open} )) && compadd -l -V pizzactl-open -S '' -d open_shown -a open
}
if [[ ${funcstack[1]-} == _pizzactl ]]; then
	_pizzactl "$@"
elif (( $+functions[compdef] )); then
	compdef _pizzactl pizzactl
fi
