# Sourced where $folder is a folder for files: `embed ARGS...` is then a command of the built program. One process runs
# them all (commands.mjs).
coproc node .ci/commands.mjs
# bash keeps the descriptors of a coprocess from subshells, such as a part of a pipe
exec {to_commands}>&"${COPROC[1]}" {from_commands}<&"${COPROC[0]}" {COPROC[1]}>&-
# the process ends with its input; waited for, so that its time is part of the script's
commands_process=$COPROC_PID
trap 'exec {to_commands}>&-; wait "$commands_process"; rm -rf "$folder"' EXIT

embed() {
  local words=$folder/command code
  printf '%s\0' "$PWD" "$@" >"$words"
  echo "$words" >&"$to_commands"
  read -r code <&"$from_commands" || return 70
  cat "$words.out"
  cat "$words.err" >&2
  return "$code"
}
