#pragma once

#include "autodiff/parallel.hpp"
#include "autodiff/ranks.hpp"

// Suites "in_a_job" hold for any number of ranks; tests/experiments/ranks.sh starts them with
// several. What all ranks together make must be what one process makes of the same in a task, where
// nothing is shared out.
namespace eqp::test {

struct Job {
  ad::RankScope ranks;
};

/// f() by this process alone.
template <class F>
void alone(const F& f) {
  ad::parallel_for(1, [&](std::size_t) { f(); });
}

}  // namespace eqp::test
