# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completion for bash. Commands and options come from hvrun's own help, which is made from its tables: nothing here to keep up.

# The words that help lists: "_hvrun_help PATTERN COMMAND..."
_hvrun_help()
{
	local pattern=$1
	shift
	"$@" --help 2>/dev/null | sed -nE "s/^   $pattern.*/\1/p"
}

_hvrun_options()
{
	"$@" --help 2>/dev/null | grep -oE -- '^   (-[a-zA-Z], )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+'
}

_hvrun()
{
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} verb='' root=() i words
	local commands
	commands=$(_hvrun_help '([a-z][a-z-]*) +[a-zA-Z].*' "$program")
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--root) root=(--root "${COMP_WORDS[i + 1]}") ;;
		*) if grep -qxF -- "${COMP_WORDS[i]}" <<<"$commands"; then verb=${COMP_WORDS[i]} && break; fi ;;
		esac
	done
	if [[ $word == -* ]]; then
		words=$(_hvrun_options "$program" ${verb:+"$verb"})
	elif [ -z "$verb" ]; then
		words=$commands
	elif [[ ${COMP_WORDS[COMP_CWORD - 1]} =~ ^--(bundle|config|config-file|resources|process|pid-file|console-socket|log|root|cwd)$ ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	else
		words=$("$program" "${root[@]}" list -q 2>/dev/null)
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _hvrun hvrun hvrun-hyperv
