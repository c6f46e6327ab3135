# Sourced where $folder is a folder for files. `embed ARGS...` is then a command of the built program, and after
# `with_python PYTHON`, `script PYTHON SCRIPT ARGS...` runs a script. One process runs all commands (commands.mjs), and
# one for each Python runs all scripts (scripts.py), also for the shell scripts that this one starts.

# reside NAME PROGRAM...: starts a program that answers lines of its input, and exports its descriptors as NAME_in and
# NAME_out, which started processes inherit
reside() {
  local name=$1 in out
  mkfifo "$folder/$name.in" "$folder/$name.out"
  "${@:2}" <"$folder/$name.in" >"$folder/$name.out" &
  residents+=($!)
  exec {in}>"$folder/$name.in" {out}<"$folder/$name.out"
  descriptors+=("$in")
  export "${name}_in=$in" "${name}_out=$out"
}

# ask NAME WORD...: runs a command in this folder, and returns its exit code
ask() {
  local name=$1 words=$residence/command code in=${1}_in out=${1}_out
  printf '%s\0' "$PWD" "${@:2}" >"$words"
  echo "$words" >&"${!in}"
  read -r code <&"${!out}" || return 70
  cat "$words.out"
  cat "$words.err" >&2
  return "$code"
}

embed() { ask embed "$@"; }

python_name() { echo "python_${1//[^A-Za-z0-9]/_}"; }

# with_python PYTHON...: starts the processes that run scripts, unless they run
with_python() {
  local one name in
  for one in "$@"; do
    name=$(python_name "$one")
    in=${name}_in
    [ -n "${!in:-}" ] || reside "$name" "$one" .ci/scripts.py
  done
}

script() { ask "$(python_name "$1")" "${@:2}"; }

# closes the inputs of the processes, which ends them; waits for them, so that their time is part of the script's
leave() {
  local one
  for one in ${descriptors[@]+"${descriptors[@]}"}; do exec {one}>&-; done
  wait ${residents[@]+"${residents[@]}"} || true
  rm -rf "$folder"
}

residents=() descriptors=()
trap leave EXIT
if [ -z "${residence:-}" ]; then
  export residence=$folder
  reside embed node .ci/commands.mjs
fi
