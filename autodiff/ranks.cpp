#include "autodiff/ranks.hpp"

#include <cstdlib>
#include <stdexcept>
#ifdef EQP_HAVE_MPI
#include <mpi.h>

#include <chrono>
#include <iostream>
#include <thread>
#endif

namespace eqp::ad {
namespace {

struct Job {
  std::size_t rank = 0, ranks = 1, ranks_here = 1;
};
Job job;

/// How many processes the launcher says it has started: Open MPI, MPICH and Intel MPI, Slurm.
std::size_t launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    if (const char* value = std::getenv(name)) return std::strtoul(value, nullptr, 10);
  }
  return 1;
}

#ifdef EQP_HAVE_MPI

// One for the work, one for saying how a failed rank leaves: their calls must not be mixed up.
MPI_Comm work, leaving;

// What MPI counts fits an int; larger arrays go in several messages.
constexpr std::size_t kMessage = std::size_t(1) << 30;

template <class F>
void in_messages(std::size_t size, F f) {
  for (std::size_t at = 0; at < size; at += kMessage) f(at, int(std::min(kMessage, size - at)));
}

#endif

}  // namespace

std::size_t rank() { return job.rank; }
std::size_t n_ranks() { return job.ranks; }
std::size_t n_ranks_here() { return job.ranks_here; }
bool is_shared_out() { return job.ranks > 1 && !in_task(); }

#ifdef EQP_HAVE_MPI

RankScope::RankScope() {
  if (launched() <= 1) return;
  int given = 0, value = 0;
  // The thread that calls may change, as an arena of tasks is entered.
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &given);
  if (given < MPI_THREAD_SERIALIZED) throw std::runtime_error("this MPI allows no threads");
  MPI_Comm_dup(MPI_COMM_WORLD, &work);
  MPI_Comm_dup(MPI_COMM_WORLD, &leaving);
  MPI_Comm here;
  MPI_Comm_split_type(work, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here);
  MPI_Comm_rank(work, &value), job.rank = std::size_t(value);
  MPI_Comm_size(work, &value), job.ranks = std::size_t(value);
  MPI_Comm_size(here, &value), job.ranks_here = std::size_t(value);
  MPI_Comm_free(&here);
}

RankScope::~RankScope() {
  if (launched() <= 1) return;
  MPI_Comm_free(&work);
  MPI_Comm_free(&leaving);
  MPI_Finalize();
  job = {};
}

bool on_any_rank(bool value) {
  if (!is_shared_out()) return value;
  int any = value;
  MPI_Allreduce(MPI_IN_PLACE, &any, 1, MPI_INT, MPI_LOR, work);
  return any != 0;
}

void gather_bytes(std::span<std::byte> all, std::span<const std::size_t> starts) {
  if (!is_shared_out()) return;
  std::size_t largest = 0;
  for (std::size_t r = 0; r < job.ranks; ++r) {
    largest = std::max(largest, starts[r + 1] - starts[r]);
  }
  // Each rank's part in equally many messages; together they must fit an int as well.
  const std::size_t most = kMessage / job.ranks;
  std::vector<int> sizes(job.ranks), places(job.ranks);
  std::vector<std::byte> round;
  for (std::size_t at = 0; at < largest; at += most) {
    for (std::size_t r = 0; r < job.ranks; ++r) {
      const std::size_t size = starts[r + 1] - starts[r];
      sizes[r] = int(std::min(size - std::min(size, at), most));
      places[r] = r == 0 ? 0 : places[r - 1] + sizes[r - 1];
    }
    round.resize(std::size_t(places.back() + sizes.back()));
    const int mine = sizes[job.rank];
    MPI_Allgatherv(mine > 0 ? &all[starts[job.rank] + at] : nullptr, mine, MPI_BYTE, round.data(),
                   sizes.data(), places.data(), MPI_BYTE, work);
    for (std::size_t r = 0; r < job.ranks; ++r) {
      if (r == job.rank || sizes[r] == 0) continue;
      std::copy_n(&round[std::size_t(places[r])], sizes[r], &all[starts[r] + at]);
    }
  }
}

void broadcast(std::span<std::byte> bytes) {
  if (!is_shared_out()) return;
  in_messages(bytes.size(),
              [&](std::size_t at, int n) { MPI_Bcast(&bytes[at], n, MPI_BYTE, 0, work); });
}

void send(std::span<const std::byte> bytes, std::size_t to) {
  in_messages(bytes.size(),
              [&](std::size_t at, int n) { MPI_Send(&bytes[at], n, MPI_BYTE, int(to), 0, work); });
}

void receive(std::span<std::byte> bytes, std::size_t from) {
  in_messages(bytes.size(), [&](std::size_t at, int n) {
    MPI_Recv(&bytes[at], n, MPI_BYTE, int(from), 0, work, MPI_STATUS_IGNORE);
  });
}

bool is_ours_to_say(const std::string& what) {
  if (job.ranks == 1) return true;
  constexpr std::chrono::seconds kPatience{3};
  const auto start = std::chrono::steady_clock::now();
  MPI_Request request;
  MPI_Ibarrier(leaving, &request);
  for (int all = 0; std::chrono::steady_clock::now() - start < kPatience;) {
    MPI_Test(&request, &all, MPI_STATUS_IGNORE);
    if (all) return job.rank == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::cerr << "rank " << job.rank << " of " << job.ranks << ": " << what << std::endl;
  MPI_Abort(MPI_COMM_WORLD, 1);
  return false;
}

#else

RankScope::RankScope() {
  if (launched() <= 1) return;
  throw std::invalid_argument("started as one of " + std::to_string(launched()) +
                              " processes, but built without MPI; install it (Debian: " +
                              "libopenmpi-dev), remove build/, and build again");
}
RankScope::~RankScope() = default;

bool on_any_rank(bool value) { return value; }
void gather_bytes(std::span<std::byte>, std::span<const std::size_t>) {}
void broadcast(std::span<std::byte>) {}
void send(std::span<const std::byte>, std::size_t) {}
void receive(std::span<std::byte>, std::size_t) {}
bool is_ours_to_say(const std::string&) { return true; }

#endif

}  // namespace eqp::ad
