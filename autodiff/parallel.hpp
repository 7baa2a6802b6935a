#pragma once

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <mutex>

// The only place that knows TBB. Parallelism sits above programs: a task is a block of rows.
namespace eqp::ad {

/// Runs f() on at most `threads` threads, everything in it included (0: one per core).
template <class F>
auto with_threads(std::size_t threads, F f) {
  if (threads == 0) return f();
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(static_cast<int>(threads));
  return arena.execute(f);
}

/// Which of the current threads this one is: below n_workers(), and at any moment different for
/// any two calls that parallel_for runs; 0 on a thread that has run none. Memory kept per worker
/// needs no lock.
inline std::size_t worker() {
  return std::size_t(std::max(tbb::this_task_arena::current_thread_index(), 0));
}
inline std::size_t n_workers() { return std::size_t(tbb::this_task_arena::max_concurrency()); }

inline thread_local std::size_t tasks_around = 0;
/// Whether the caller is a task of parallel_for.
inline bool in_task() { return tasks_around > 0; }

/// f(0), ..., f(n - 1), in any order, on the current threads. Of the exceptions they throw, that of
/// the lowest index is rethrown when all have ended, so that errors do not depend on timing. A
/// thread that waits for the last of them takes no work from outside: a training step nested in a
/// loop over trainings must not be held up by the start of another training.
template <class F>
void parallel_for(std::size_t n, F f) {
  std::mutex mutex;
  std::size_t lowest = n;
  std::exception_ptr error;
  const auto guarded = [&](std::size_t i) {
    ++tasks_around;
    try {
      f(i);
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (i < lowest) lowest = i, error = std::current_exception();
    }
    --tasks_around;
  };
  tbb::this_task_arena::isolate(
      [&] { tbb::parallel_for(std::size_t(0), n, guarded, tbb::simple_partitioner()); });
  if (error) std::rethrow_exception(error);
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
