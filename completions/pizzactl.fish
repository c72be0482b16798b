# Completion of pizzactl for fish.  pizzactl says what fits: this only asks.
function __pizzactl_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	for line in ($words[1] completion words -- $words[2..-1] "$current" 2>/dev/null)
		if test "$line" = :file
			__fish_complete_path "$current"
		else
			echo $line
		end
	end
end
complete -c pizzactl -f -k -a '(__pizzactl_complete)'
