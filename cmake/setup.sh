# shellcheck shell=bash
# Shared by ./run, ./test and .ci/run: missing packages, configuration, builds. Needs $root, the project's folder.

build="${root:?}/build/release"

say() { echo "${0##*/}: $*" >&2; }
refuse() {
  say "$*"
  exit 2
}

# Whether a command is on PATH in at least this version: command_present cmake '>=' 3.25
command_present() {
  local found
  command -v "$1" >/dev/null || return 1
  found=$("$1" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+' | head -n 1) || return 1
  [ "$(printf '%s\n%s\n' "$2" "$found" | sort -V | head -n 1)" = "$2" ]
}

package_present() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints the packages of the given lists that are missing here.
missing_packages() {
  local package condition
  cat "$@" | while read -r package condition; do
    case "$package $condition" in
      '#'* | ' ') continue ;;
      *'>='*) command_present "${condition%%>=*}" "${condition##*>=}" && continue ;;
      *) [ -z "$condition" ] || [ "$condition" = "$(dpkg --print-architecture)" ] || continue ;;
    esac
    package_present "$package" || echo "$package"
  done
}

# Installs what is missing of the given package lists; exits 2 with the list where that is impossible.
install_packages() {
  local missing log as_root=()
  command -v dpkg-query >/dev/null || return 0 # not Debian: cmake says what it cannot find
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
      refuse "these Debian packages are missing and need root to install: ${missing[*]}"
    fi
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    refuse "these Debian packages are missing and could not be installed: ${missing[*]}"
  fi
  rm -f "$log"
  rm -f "$build/CMakeCache.txt" # look again for what was missing
}

# Runs a command; shows what it said only if it failed.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [ "$status" -eq 0 ] || cat "$log" >&2
  rm -f "$log"
  return "$status"
}

# Configures a preset, or lets ninja see whether that must be done again.
configure() {
  local folder="$root/build/$1"
  if [ -f "$folder/build.ninja" ] && [ -f "$folder/CMakeCache.txt" ]; then
    quietly ninja -C "$folder" build.ninja && return 0
  fi
  say "configuring"
  (cd "$root" && quietly cmake --preset "$1") || {
    say "cmake --preset $1 failed"
    exit 1
  }
}

# Says what is being built if that takes over a second; on a terminal with ninja's count of steps.
announce() {
  local log=$1 what=$2
  sleep 1 >/dev/null 2>&1
  while [ -t 2 ]; do
    printf '\r\033[K%s: building %s %s' "${0##*/}" "$what" "$(grep -oE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 1)" >&2
    sleep 1 >/dev/null 2>&1
  done
  say "building $what"
}

# build_targets PRESET TARGET...: shows what the compiler said only if it failed.
build_targets() {
  local folder="$root/build/$1" log="$root/build/$1/build.log" what watcher status=0
  shift
  what=$*
  [ $# -le 3 ] || what="$# programs"
  : >"$log"
  announce "$log" "$what" &
  watcher=$!
  cmake --build "$folder" --target "$@" >"$log" 2>&1 </dev/null || status=$?
  { kill "$watcher" && wait "$watcher"; } 2>/dev/null || true
  [ ! -t 2 ] || printf '\r\033[K' >&2
  [ "$status" -eq 0 ] && return 0
  grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" >&2 || true
  say "the build failed"
  exit 1
}

# mpi_run N COMMAND...: as N processes on this machine, which may have fewer cores.
mpi_run() {
  local n=$1 as_root=()
  shift
  [ "$(id -u)" -ne 0 ] || as_root=(--allow-run-as-root)
  # Threads of a rank are not bound to one core; --quiet: our own words are enough.
  mpirun "${as_root[@]}" --quiet --oversubscribe --bind-to none -n "$n" "$@"
}

# Prints the names of the experiments.
experiments() {
  local file
  for file in "$root"/experiments/*.cpp; do
    [ -e "$file" ] || continue
    file=${file##*/}
    echo "${file%.cpp}"
  done
}
