#include "flows/coupling_chain.hpp"

#include <stdexcept>

namespace eqp::flows {
namespace {

void append(MappedHalves& total, const MappedHalves& step) {
  total.y = step.y;
  total.log_det = total.log_det ? total.log_det + step.log_det : step.log_det;
}

Mapped joined(const MappedHalves& total) {
  return {concat(ad::Vars{total.y.first, total.y.second}, 1), total.log_det};
}

}  // namespace

CouplingChain::CouplingChain(std::vector<AffineCoupling> couplings)
    : couplings_(std::move(couplings)) {
  if (couplings_.empty()) throw std::invalid_argument("coupling chain: no couplings");
  for (const AffineCoupling& c : couplings_) {
    if (c.dim() == couplings_[0].dim()) continue;
    throw std::invalid_argument("coupling chain: dims " + std::to_string(couplings_[0].dim()) +
                                " and " + std::to_string(c.dim()) + "; need the same");
  }
}

Halves CouplingChain::split(ad::Var x) const {
  const std::size_t dim = couplings_[0].dim();
  check_batch("coupling", x, dim);
  return {slice(x, 1, 0, dim / 2), slice(x, 1, dim / 2, dim)};
}

Mapped CouplingChain::forward(ad::Var z) const {
  MappedHalves total{split(z), {}};
  for (const AffineCoupling& c : couplings_) append(total, c.forward(total.y));
  return joined(total);
}

Mapped CouplingChain::inverse(ad::Var x) const {
  MappedHalves total{split(x), {}};
  for (auto c = couplings_.rbegin(); c != couplings_.rend(); ++c) {
    append(total, c->inverse(total.y));
  }
  return joined(total);
}

}  // namespace eqp::flows
