#!/bin/sh
# Puts everything into its place below $DESTDIR$PREFIX, or removes it from there: one list for both.
#   install.sh install|uninstall BUILD
# ZSHDIR and UNITDIR (below PREFIX) may be set where a system looks elsewhere.
set -eu
cd "$(dirname "$0")/../.."
mode=$1 build=$2
root=${DESTDIR-}$PREFIX
zshdir=${ZSHDIR:-share/zsh/site-functions}
unitdir=${UNITDIR:-lib/systemd}

# put MODE FOLDER FILE...: the files into the folder
put() {
	bits=$1 folder=$root/$2
	shift 2
	for file; do
		if [ "$mode" = install ]; then
			install -D -m "$bits" "$file" "$folder/${file##*/}"
		else
			rm -f "$folder/${file##*/}"
		fi
	done
}

# put_as MODE FOLDER NAME FILE: one file, under another name
put_as() {
	if [ "$mode" = install ]; then
		install -D -m "$1" "$4" "$root/$2/$3"
	else
		rm -f "$root/$2/$3"
	fi
}

# What people type; the programs find the daemons beside their real files.
link() {
	if [ "$mode" = install ]; then
		mkdir -p "$root/bin"
		ln -sf "../lib/pizza/$1" "$root/bin/$1"
	else
		rm -f "$root/bin/$1"
	fi
}

# unit KIND FILE: a systemd unit with its paths filled in
unit() {
	filled=$(mktemp)
	sed "s|@bin@|$PREFIX/bin|g" "$2" >"$filled"
	put_as 644 "$unitdir/$1" "${2##*/}" "$filled"
	rm -f "$filled"
}

put 755 lib/pizza "$build"/bin/*
link pizzactl
link pizzad
put 644 lib/pizza/kafka daemons/pizzad/kafka/pom.xml
put 755 lib/pizza/kafka daemons/pizzad/kafka/fetch.sh daemons/pizzad/kafka/train.sh
for page in man/*.[1-8]; do
	put 644 "share/man/man${page##*.}" "$page"
done
put_as 644 share/bash-completion/completions pizzactl completions/pizzactl.bash
put_as 644 "$zshdir" _pizzactl completions/pizzactl.zsh
put 644 share/fish/vendor_completions.d completions/pizzactl.fish
for file in daemons/packaging/systemd/*.service daemons/packaging/systemd/*.timer; do
	unit system "$file"
done
unit user daemons/packaging/systemd/user/pizza.service
put_as 644 lib/sysusers.d pizza.conf daemons/packaging/systemd/sysusers.conf
put 644 share/doc/pizza README.md LICENSE
put 644 share/doc/pizza/examples man/pizza.yaml

if [ "$mode" = uninstall ]; then
	rm -rf "$root/lib/pizza" "$root/share/doc/pizza"
	# Folders that hold nothing any more; those of others stay.
	for folder in bin lib/sysusers.d "$unitdir/system" "$unitdir/user" "$zshdir" share/bash-completion/completions \
		share/fish/vendor_completions.d share/man/man1 share/man/man5 share/man/man7 share/man/man8; do
		(cd "$root" 2>/dev/null && rmdir -p --ignore-fail-on-non-empty "$folder" 2>/dev/null) || true
	done
fi
