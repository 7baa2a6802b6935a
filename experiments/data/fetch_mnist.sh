#!/usr/bin/env bash
# Fetches the four files of MNIST into a folder, 12 MB in all, and checks what they hold. Files that are there
# already are checked and kept.
#   experiments/data/fetch_mnist.sh FOLDER [URL]
set -euo pipefail

case "${1:-}" in
  '' | -*) sed -n '2,4s/^# //p' "${BASH_SOURCE[0]}" && exit 2 ;;
esac
folder=$1
url=${2:-https://ossci-datasets.s3.amazonaws.com/mnist}

# Of the uncompressed files: mirrors compress them differently.
sums='
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 t10k-labels-idx1-ubyte'

# Whether a .gz file holds what has this sum: holds FILE SUM
holds() {
  local found
  found=$(gzip -dc -- "$1" 2>/dev/null | sha256sum) && [ "${found%% *}" = "$2" ]
}

mkdir -p -- "$folder"
temporary=$(mktemp -p "$folder")
command -v curl >/dev/null || { echo "${0##*/}: needs curl (Debian packages curl and ca-certificates)" >&2 && exit 2; }
trap 'rm -f -- "$temporary"' EXIT
while read -r sum name; do
  [ -n "$name" ] || continue
  file=$folder/$name.gz
  if [ ! -e "$file" ]; then
    curl --fail --silent --show-error --location --output "$temporary" "$url/$name.gz"
    holds "$temporary" "$sum" || { echo "${0##*/}: $url/$name.gz is not the MNIST file" >&2 && exit 1; }
    mv -- "$temporary" "$file"
    chmod 644 -- "$file"
  fi
  holds "$file" "$sum" || { echo "${0##*/}: $file is damaged; remove it and run this again" >&2 && exit 1; }
  echo "$file: good"
done <<<"$sums"
