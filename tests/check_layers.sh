#!/usr/bin/env bash
# Dependencies point to the left only: autodiff <- nn <- flows <- mcmc <- train <- experiments.
set -u
cd "$1" || exit 2
order=(autodiff nn flows mcmc train experiments)
bad=0
for i in "${!order[@]}"; do
  for ((j = i + 1; j < ${#order[@]}; j++)); do
    grep -rnE "#include [\"<]${order[j]}/" "${order[i]}" && bad=1
  done
done
for header in tbb/ mpi.h cblas.h libxsmm.h netcdf.h; do
  [ "$(grep -rlE "#include <${header}" "${order[@]}" | wc -l)" -le 1 ] || { echo "$header is included in more than one file"; bad=1; }
done
exit $bad
