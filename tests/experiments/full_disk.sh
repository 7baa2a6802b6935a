#!/usr/bin/env bash
# A training whose state no longer fits on the disk goes on, says so in one line, and is not lost: it ends with the bytes it
# would have had; and killed, it goes on from the last state that fitted. Skipped (77) where no small disk can be mounted.
#   full_disk.sh FOLDER   with the executables of FOLDER
set -euo pipefail
bin=$1
if [ "${2-}" != mounted ]; then
  # Mounts of a namespace of one's own need no root, and are gone with it.
  unshare --mount --map-root-user mount -t tmpfs tmpfs /mnt 2>/dev/null || {
    echo "skipped: this machine lets us mount no tmpfs"
    exit 77
  }
  exec unshare --mount --map-root-user "${BASH_SOURCE[0]}" "$bin" mounted
fi

scratch=$(mktemp -d)
trap 'cd / && umount "$scratch/disk" 2>/dev/null; rm -rf "$scratch"' EXIT
mkdir "$scratch/disk"
fail() {
  echo "$1"
  [ ! -s "$scratch/said" ] || cat "$scratch/said"
  exit 1
}
run() { "$bin/ring_f32" --quiet --steps 600 --checkpoint-every 1 "$@" >/dev/null; }
small_disk() {
  umount "$scratch/disk" 2>/dev/null || true
  # Room for the results and for two states of the training, 56 KB each, but not for the third that is written beside them;
  # for three of the sampling while it warms up, 16 KB each, but not once they hold draws.
  mount -t tmpfs -o size=168k tmpfs "$scratch/disk"
}
# What stays of the training in a run that the disk was too small for.
check_kept() { [ -s "$scratch/disk/run/checkpoint/training.state" ] || fail "$1: the state that fitted is gone"; }
check_result() {
  cmp "$scratch/whole/samples.npy" "$scratch/disk/run/samples.npy" || fail "$1: the samples differ"
}

run --out "$scratch/whole"

small_disk
run --out "$scratch/disk/run" 2>"$scratch/said" || fail "on a full disk the run fails"
check_result "on a full disk"
# A line for each of its two tasks, once.
for task in training sampling; do
  [ "$(grep -c "/$task.state.partial: cannot be written: No space left on device; the run goes on$" "$scratch/said")" = 1 ] ||
    fail "on a full disk the $task does not say so in one line"
done
[ "$(wc -l <"$scratch/said")" = 2 ] || fail "on a full disk more is said than that"

small_disk
: >"$scratch/said"
"$bin/ring_f32" --quiet --steps 600 --checkpoint-every 1 --out "$scratch/disk/run" >/dev/null 2>"$scratch/said" &
pid=$!
until [ -s "$scratch/said" ]; do
  kill -0 $pid 2>/dev/null || fail "the run ended before the disk was full"
  sleep 0.01
done
kill -KILL $pid
wait $pid 2>/dev/null || true
check_kept "killed on a full disk"
# The worst moment to be killed at: in the middle of a state, with not a byte left beside it.
cat /dev/zero >"$scratch/disk/run/checkpoint/training.state.partial" 2>"$scratch/said" || true
run --out "$scratch/disk/run" --resume 2>"$scratch/said" || fail "killed on a full disk, the run does not go on"
check_result "killed on a full disk and gone on with"
echo "a run on a full disk ends as on any other, also if it is killed there"
