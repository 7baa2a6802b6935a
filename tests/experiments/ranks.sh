#!/usr/bin/env bash
# Runs of 1, 2 and 4 MPI ranks, and of 3 that goes on after the death of one of 2, leave the same bytes.
#   ranks.sh BUILD   with the executables of that folder
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=cmake/setup.sh
source "$root/cmake/setup.sh"
# shellcheck source=tests/experiments/compare_runs.sh
source "$root/tests/experiments/compare_runs.sh"
bin=$1/bin

for ranks in 2 3 5 9; do
  for folder in autodiff mcmc train; do mpi_run $ranks "$1/tests/test_${folder}_f32" --run_test=in_a_job >/dev/null; done
done

# check KIND EXECUTABLE [OPTIONS]
check() {
  local kind=$1 command=("$bin/$2" --quiet --checkpoint-every 1 "${@:3}") whole=$scratch/whole ranks dead status victim
  rm -rf "$scratch"/*
  "${command[@]}" --out "$whole" >/dev/null
  for ranks in 1 2 4; do
    mpi_run $ranks "${command[@]}" --out "$scratch/$ranks" >/dev/null
    same_files "$whole" "$scratch/$ranks" || { echo "$kind: $ranks ranks differ from one process" && return 1; }
  done

  # The second rank dies as soon as there is a state to go on from.
  dead=$scratch/dead
  mpi_run 2 "${command[@]}" --out "$dead" >/dev/null 2>"$scratch/said" &
  until compgen -G "$dead/checkpoint/*.state" >/dev/null; do sleep 0.01; done
  for victim in $(pgrep -f "${command[0]} .*$dead"); do
    tr '\0' '\n' <"/proc/$victim/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1 && kill -KILL "$victim"
  done
  status=0
  wait $! || status=$?
  [ $status -ne 0 ] || { echo "$kind: a job that lost a rank ended as if all were well" && return 1; }
  mpi_run 3 "${command[@]}" --out "$dead" --resume >/dev/null
  same_files "$whole" "$dead" || { echo "$kind: resumed by 3 ranks after the death of one, it differs" && return 1; }
  echo "$kind: 1, 2 and 4 ranks, and 3 after a death, leave the bytes of one process"
}

check training balanced_ebm_f32 --quick --data two_modes --method adaptive_flow
check "persistent chains" train_ebm_f32 --quick --method pcd --data "$root/experiments/data/digits.csv.gz" --label last
check sampling ring_f32 --quick
check "NUTS with warm-up" posteriors_f32 --quick --model german_credit --draws npy
