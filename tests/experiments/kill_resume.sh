#!/usr/bin/env bash
# Kills a run at random moments, states being kept at every step, so that many kills hit the writing of one; goes on with
# --resume, on another number of threads; and compares all files that no time is in with those of a run left alone.
#   kill_resume.sh FOLDER KILLS   with the executables of FOLDER
set -euo pipefail
bin=$1 kills=$2
# shellcheck source=tests/experiments/compare_runs.sh
source "$(dirname "${BASH_SOURCE[0]}")/compare_runs.sh"

# check KIND EXECUTABLE [OPTIONS]
check() {
  local kind=$1 program=$bin/$2 options=("${@:3}") differ=0 in_time=0 k took begin
  run() { "$program" --quiet --checkpoint-every 1 "${options[@]}" "$@" >/dev/null; }

  rm -rf "$scratch/whole"
  begin=$(date +%s%N)
  run --out "$scratch/whole"
  took=$((($(date +%s%N) - begin) / 1000000)) # ms

  for ((k = 0; k < kills; ++k)); do
    local out=$scratch/$k moment=$((RANDOM % took)) pid
    # Not through a function, which would be a shell of its own.
    "$program" --quiet --checkpoint-every 1 "${options[@]}" --out "$out" --threads $((1 + k % 2)) >/dev/null &
    pid=$!
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    kill -KILL $pid 2>/dev/null && in_time=$((in_time + 1))
    wait $pid 2>/dev/null || true
    run --out "$out" --resume --threads $((2 - k % 2))
    if ! same_files "$scratch/whole" "$out"; then
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
kills=$((kills / 3))
posterior=(posteriors_f32 --model eight_schools_noncentered --chains 16 --warmup 200 --steps 1500)
check shards "${posterior[@]}" --draws npy
check netcdf "${posterior[@]}" --draws netcdf
check annealing annealed_f32 --quick
check "several samplers" phi4_f32 --quick
check "short tasks" check_kernel_f32 --quick
