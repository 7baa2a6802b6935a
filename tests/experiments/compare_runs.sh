# shellcheck shell=bash
# What the tests of whole runs share: a folder for them, and which files of two runs must have equal bytes.

# In memory if possible: forcing every state to a disk takes most of the time.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Those of a run that no time is in; of its summary the lines without one.
files() {
  [ ! -e "$1/summary.json" ] || grep -v 'seconds"' "$1/summary.json" >"$1/timeless"
  (cd "$1" && find . -name metrics.csv -o -name 'samples*.npy' -o -name '*.safetensors' -o -name timeless -o \
    -path './draws/*' -type f | sort)
}

# same_files A B: whether two runs left the same files.
same_files() {
  local wanted file
  wanted=$(files "$1")
  [ -n "$wanted" ] || { echo "$1 has no file to compare" && return 1; }
  [ "$(files "$2")" = "$wanted" ] || return 1
  for file in $wanted; do cmp -s "$1/$file" "$2/$file" || return 1; done
}
