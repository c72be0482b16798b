# Completion of pizzactl for bash 4.3 and later; needs nothing else.  pizzactl says what fits: this only asks.
_pizzactl() {
	local rest=${COMP_LINE:0:COMP_POINT} words=() word value text strip="" i
	# Words as they were typed: bash also splits at = and :.
	rest=${rest#*"${COMP_WORDS[0]}"}
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ ${#words[@]} -eq 0 || $rest == [[:space:]]* ]]; then
			rest=${rest#"${rest%%[![:space:]]*}"}
			words+=("")
		fi
		[[ $rest == "$word"* ]] || word=$rest
		words[-1]+=$word
		rest=${rest#"$word"}
	done
	# Only what stands behind the last = or : will be replaced.
	if [[ ${words[-1]} == *[=:]* ]]; then strip=${words[-1]%"${words[-1]##*[=:]}"}; fi
	COMPREPLY=()
	compopt -o nosort 2>/dev/null
	while IFS=$'\t' read -r value text; do
		if [[ $value == :file ]]; then
			compopt -o filenames
			while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "${words[-1]#"$strip"}")
			return
		fi
		value=${value#"$strip"}
		# Explained only where they are listed, not where they are put into the line.
		[[ $COMP_TYPE == 63 && -n $text ]] && value="$value  ($text)"
		COMPREPLY+=("$value")
	done < <(command "${COMP_WORDS[0]}" completion words -- "${words[@]}" 2>/dev/null)
	if [[ ${#COMPREPLY[@]} -eq 1 ]]; then
		COMPREPLY[0]=${COMPREPLY[0]%%  (*}
		[[ ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace
	fi
}
complete -F _pizzactl pizzactl
