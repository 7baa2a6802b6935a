#pragma once

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstddef>

// The only place that knows TBB. Parallelism sits above programs: a task is a block of rows.
namespace eqp::ad {

/// Runs f() with exactly `threads` threads for everything in it (0: one per core).
template <class F>
auto with_threads(std::size_t threads, F f) {
  if (threads == 0) return f();
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(static_cast<int>(threads));
  return arena.execute(f);
}

/// f(0), ..., f(n - 1), in any order, on the current threads. An exception in any of them is
/// rethrown.
template <class F>
void parallel_for(std::size_t n, F f) {
  tbb::parallel_for(std::size_t(0), n, f, tbb::simple_partitioner());
}

/// A fixed partition of `rows` into blocks of `block` rows; the last may be shorter. It depends on
/// nothing else, so sums taken block by block have the same bits on any number of threads.
struct Blocks {
  std::size_t rows, block;

  std::size_t count() const { return (rows + block - 1) / block; }
  std::size_t first(std::size_t b) const { return b * block; }
  std::size_t size(std::size_t b) const { return std::min(block, rows - b * block); }
};

}  // namespace eqp::ad
