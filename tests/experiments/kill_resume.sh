#!/usr/bin/env bash
# Kills a run at random moments, states being kept at every step, so that many kills hit the writing of one; goes on with
# --resume, on another number of threads; and compares all files that no time is in with those of a run left alone.
#   kill_resume.sh FOLDER KILLS   with the executables of FOLDER
set -euo pipefail
bin=$1 kills=$2
# In memory if possible: forcing every state to a disk takes most of the time.
scratch=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT

files() { (cd "$1" && find . -name metrics.csv -o -name 'samples*.npy' -o -name '*.safetensors' | sort); }

# check KIND EXECUTABLE [OPTIONS]
check() {
  local kind=$1 program=$bin/$2 options=("${@:3}") differ=0 in_time=0 k wanted took begin
  run() { "$program" --quiet --checkpoint-every 1 "${options[@]}" "$@" >/dev/null; }

  rm -rf "$scratch/whole"
  begin=$(date +%s%N)
  run --out "$scratch/whole"
  took=$((($(date +%s%N) - begin) / 1000000)) # ms
  wanted=$(files "$scratch/whole")
  [ -n "$wanted" ] || { echo "$program leaves no file to compare" && return 1; }

  for ((k = 0; k < kills; ++k)); do
    local out=$scratch/$k moment=$((RANDOM % took)) same=1 pid file
    # Not through a function, which would be a shell of its own.
    "$program" --quiet --checkpoint-every 1 "${options[@]}" --out "$out" --threads $((1 + k % 2)) >/dev/null &
    pid=$!
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    kill -KILL $pid 2>/dev/null && in_time=$((in_time + 1))
    wait $pid 2>/dev/null || true
    run --out "$out" --resume --threads $((2 - k % 2))
    [ "$(files "$out")" = "$wanted" ] || same=0
    for file in $wanted; do cmp -s "$scratch/whole/$file" "$out/$file" || same=0; done
    if [ $same -eq 0 ]; then
      differ=$((differ + 1))
      echo "$kind: killed after $moment of $took ms, the resumed run differs"
    fi
    rm -rf "$out"
  done
  echo "$kind: $((kills - differ)) of $kills identical, $in_time of them killed before their end"
  # A run that is never killed in time shows nothing.
  [ $differ -eq 0 ] && [ $((2 * in_time)) -ge "$kills" ]
}

RANDOM=20
check training balanced_ebm_f32 --quick --data two_modes --method adaptive_flow
check sampling ring_f32 --quick
