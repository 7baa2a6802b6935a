#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "autodiff/archive.hpp"
#include "autodiff/parallel.hpp"

// The processes (ranks) that mpirun or srun started as one job. Each runs the whole program on the
// same input and holds the same values; only what is cut into blocks and costs most, chains and the
// rows of a batch, is shared out, and every rank is given what the others made of their blocks.
// Code that knows nothing of ranks is therefore right on any number of them, and bits depend on
// blocks alone. Inside a task of parallel_for nothing is shared out: every rank does all of it.
namespace eqp::ad {

/// Joins the job, if the process was started as part of one; leaves it at the end of its life.
/// Throws std::invalid_argument for a job of several processes in a build without MPI.
class RankScope {
 public:
  RankScope();
  ~RankScope();
  RankScope(const RankScope&) = delete;
  RankScope& operator=(const RankScope&) = delete;
};

/// Of this process, below n_ranks(); 0 and 1 outside a job.
std::size_t rank();
std::size_t n_ranks();
/// Processes of the job on this machine.
std::size_t n_ranks_here();
/// Whether work is shared out now: several ranks, and not inside a task.
bool is_shared_out();

/// The part of n consecutive items that a rank works on; item 0 is always rank 0's.
struct Share {
  std::size_t first = 0, end = 0;
  std::size_t size() const { return end - first; }
};
inline Share share(std::size_t n, std::size_t of_rank = rank()) {
  const auto first = [n](std::size_t r) { return (n * r + n_ranks() - 1) / n_ranks(); };
  return {first(of_rank), first(of_rank + 1)};
}

// All ranks must call each of these, in the same order.

/// True on every rank if it is on one.
bool on_any_rank(bool value);
/// What f() returns or throws on rank 0, the only one to call it.
std::string from_first_rank(const std::function<std::string()>& f);
void on_first_rank(const std::function<void()>& f);
/// What every rank has, in their order.
std::vector<std::string> gather(const std::string& mine);
/// all[starts[r]] up to all[starts[r + 1]] are what rank r has: every rank gets all.
void gather_bytes(std::span<std::byte> all, std::span<const std::size_t> starts);
/// The bytes of rank 0 become those of all.
void broadcast(std::span<std::byte> bytes);
void send(std::span<const std::byte> bytes, std::size_t to);
void receive(std::span<std::byte> bytes, std::size_t from);

/// The same of arrays that hold `width` numbers for each of n items, of which a rank has its share.
template <class T>
requires std::is_trivially_copyable_v<T>
void gather_shares(std::size_t n, std::span<T> all) {
  const std::size_t width = all.size() / std::max<std::size_t>(n, 1);
  std::vector<std::size_t> starts(n_ranks() + 1);
  for (std::size_t r = 0; r < n_ranks(); ++r) {
    starts[r + 1] = share(n, r).end * width * sizeof(T);
  }
  gather_bytes(std::as_writable_bytes(all), starts);
}

/// The states of n items, item(archive, i), of which every rank has changed its share.
void gather_states(std::size_t n, const std::function<void(Archive&, std::size_t)>& item);

/// Throws on every rank what `error` is on the first that has one; null: none. Of NonFinite and
/// std::invalid_argument the type is kept.
void agree_on_error(const std::exception_ptr& error);

/// f(i) for this rank's share of 0, ..., n - 1, as parallel_for. Of the exceptions on any rank that
/// of the lowest index is rethrown by all: shares follow each other as ranks do.
template <class F>
void parallel_for_share(std::size_t n, F f) {
  if (!is_shared_out()) return parallel_for(n, f);
  const Share mine = share(n);
  std::exception_ptr error;
  try {
    parallel_for(mine.size(), [&](std::size_t i) { f(mine.first + i); });
  } catch (...) {
    error = std::current_exception();
  }
  agree_on_error(error);
}

/// f(i) for jobs that are parallel in themselves, such as trainings: side by side in one process,
/// one after the other where several ranks share out each of them.
template <class F>
void for_each_job(std::size_t n, F f) {
  if (!is_shared_out()) return parallel_for(n, f);
  for (std::size_t i = 0; i < n; ++i) f(i);
}

/// How a process that failed leaves its job. Where all ranks failed the same way, which they say
/// within some seconds, the first one's word is enough and this returns whether it is ours to say.
/// Otherwise the others wait for a rank that will not come: says `what` with the number of the
/// rank, and ends the job.
bool is_ours_to_say(const std::string& what);

}  // namespace eqp::ad
