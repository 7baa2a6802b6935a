#pragma once

#include <algorithm>

#include "autodiff/parallel.hpp"
#include "autodiff/program.hpp"
#include "mcmc/metropolis.hpp"

namespace eqp::train {

/// out (n, ...) <- f at the rows of x (n, d), block by block in parallel.
inline void evaluate_rows(const ad::Batched& f, ad::ConstView x, ad::View out) {
  const ad::Blocks blocks{x.rows(), f.block(x.rows())};
  ad::parallel_for(blocks.count(), [&](std::size_t b) {
    ad::Workspace at = f.workspace(blocks.size(b));
    mcmc::evaluate(at, x.slice(blocks.first(b), blocks.size(b)));
    std::ranges::copy(at.out(0).flat(), out.slice(blocks.first(b), blocks.size(b)).data);
  });
}

}  // namespace eqp::train
