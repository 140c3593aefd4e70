# completion of reeve for bash; made by: reeve completion
_reeve_paths() {
	{ reeve "$@" --json status 2>/dev/null ||
		reeve "$@" --json sql 'SELECT DISTINCT path FROM lives' 2>/dev/null; } |
		grep -o '"path":"[^"]*' | cut -d'"' -f4
}
_reeve_kinds() {
	reeve "$@" --json sql 'SELECT DISTINCT kind FROM (SELECT kind FROM events ORDER BY id DESC LIMIT 10000)' 2>/dev/null |
		cut -d'"' -f4
}
_reeve_map() { # where the word map is
	local i current=${COMP_WORDS[COMP_CWORD]} options="--jobs --null --arg-file --files --max-args --replace --shell --function --retries --backoff --timeout --kill-after --memory --order --tag --halt --resume --resume-failed --dry-run --progress --quiet --json --keep --name --state-dir --help "
	for ((i = $1 + 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--jobs|-j|--arg-file|-a|--files|--max-args|-n|--replace|-I|--function|--retries|--backoff|--timeout|--kill-after|--memory|--halt|--keep|--name|--state-dir|=)
			[ "${COMP_WORDS[i + 1]}" = = ] && ((i++))
			((i++)) ;;
		-*) ;;
		*) return ;;
		esac
	done
	if ((i > COMP_CWORD)); then
		case ${COMP_WORDS[COMP_CWORD - 1]} in
		--keep|--state-dir) COMPREPLY=($(compgen -d -- "$current")) ;;
		--halt) COMPREPLY=($(compgen -W 'never soon,fail= now,fail= soon,success= now,success= soon,done= now,done=' -- "$current")) ;;
		esac
	elif [[ $current == -* ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$current"))
	else
		COMPREPLY=($(compgen -c -- "$current"))
	fi
}
_reeve() {
	local current=${COMP_WORDS[COMP_CWORD]} verb= words= i
	local -a config=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c|--config|--state-dir) config=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}"); ((i++)) ;;
		-*) ;;
		map) [ -n "$verb" ] || { _reeve_map $i; return; } ;;
		*) verb=${verb:-${COMP_WORDS[i]}} ;;
		esac
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-c|--config) COMPREPLY=($(compgen -f -- "$current")); return ;;
	--state-dir) COMPREPLY=($(compgen -d -- "$current")); return ;;
	--worker) words=$(_reeve_paths "${config[@]}")
		COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
	--kind) words=$(_reeve_kinds "${config[@]}")
		COMPREPLY=($(compgen -W "$words" -- "$current")); return ;;
	signal) COMPREPLY=($(compgen -W "$(compgen -A signal | sed -n 's/^SIG//p')" -- "$current")); return ;;
	esac
	case $verb in
	''|help) words="run check status start stop restart signal reload shutdown tail events sql why map submit schema completion version help " ;;
	run) words="--config --state-dir --json --no-color --help --detach " ;;
	check) words="--config --state-dir --json --no-color --help " ;;
	status) words="--config --state-dir --json --no-color --help --watch " ;;
	start) words="--config --state-dir --json --no-color --help --no-wait " ;;
	stop) words="--config --state-dir --json --no-color --help --no-wait " ;;
	restart) words="--config --state-dir --json --no-color --help --no-wait " ;;
	signal) words="--config --state-dir --json --no-color --help " ;;
	reload) words="--config --state-dir --json --no-color --help --no-wait --dry-run " ;;
	shutdown) words="--config --state-dir --json --no-color --help --no-wait " ;;
	tail) words="--config --state-dir --json --no-color --help --follow --lines " ;;
	events) words="--config --state-dir --json --no-color --help --follow --since --until --worker --kind --limit " ;;
	sql) words="--config --state-dir --json --no-color --help " ;;
	why) words="--config --state-dir --json --no-color --help --last " ;;
	submit) words="--config --state-dir --json --no-color --help --no-wait --timeout " ;;
	schema) words="--config --state-dir --json --no-color --help " ;;
	completion) words="--config --state-dir --json --no-color --help " ;;
	version) words="--config --state-dir --json --no-color --help " ;;
	esac
	case $verb in status|start|stop|restart|signal|tail|why)
		words+=" $(_reeve_paths "${config[@]}")" ;;
	esac
	[ "$verb" = tail ] && words+=" stdout stderr"
	COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _reeve reeve
