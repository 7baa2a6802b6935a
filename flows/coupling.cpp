#include "flows/coupling.hpp"

#include <algorithm>
#include <stdexcept>

#include "flows/agreement.hpp"

namespace eqp::flows {
namespace {

using Couplings = std::vector<std::shared_ptr<const Coupling>>;

void append(MappedHalves& total, const MappedHalves& step) {
  total.y = step.y;
  total.log_det = total.log_det ? total.log_det + step.log_det : step.log_det;
}

Mapped joined(const MappedHalves& total) {
  return {concat(ad::Vars{total.y.first, total.y.second}, 1), total.log_det};
}

std::size_t common_dim(const std::string& name, const Couplings& couplings) {
  if (couplings.empty()) throw std::invalid_argument(name + ": no couplings");
  const std::size_t dim = couplings[0]->dim();
  for (const auto& c : couplings) {
    if (c->dim() == dim) continue;
    throw std::invalid_argument(name + ": couplings of dims " + std::to_string(dim) + " and " +
                                std::to_string(c->dim()) + "; need the same");
  }
  return dim;
}

}  // namespace

std::size_t size_of(Half which, std::size_t dim) {
  return which == Half::first ? dim / 2 : dim - dim / 2;
}

Coupling::Coupling(std::string name, std::size_t dim, Half moved, std::size_t context_dim)
    : name_(std::move(name)), dim_(dim), context_dim_(context_dim), moved_(moved) {
  if (dim_ >= 2) return;
  throw std::invalid_argument("coupling \"" + name_ + "\": dim " + std::to_string(dim_) +
                              " cannot be split; need at least 2");
}

ad::Var Coupling::with_context(ad::Var copied, ad::Var context) const {
  return context_dim_ == 0 ? copied : concat(ad::Vars{copied, context}, 1);
}

Halves Coupling::with_moved(Halves x, ad::Var moved) const {
  x[moved_] = moved;
  return x;
}

CouplingChain::CouplingChain(std::string name, Couplings couplings)
    : Bijection(name, common_dim(name, couplings), common_context_dim(name, couplings)),
      couplings_(std::move(couplings)) {}

Halves CouplingChain::split(ad::Var x) const {
  return {slice(x, 1, 0, dim() / 2), slice(x, 1, dim() / 2, dim())};
}

std::vector<double> CouplingChain::seams() const {
  std::vector<double> all;
  for (const auto& c : couplings_) {
    for (const double s : c->seams()) {
      if (std::ranges::find(all, s) == all.end()) all.push_back(s);
    }
  }
  return all;
}

Mapped CouplingChain::push(ad::Var z, ad::Var context) const {
  MappedHalves total{split(z), {}};
  for (const auto& c : couplings_) {
    const ad::Scope scope(*z.tape, c->name());
    append(total, c->forward(total.y, context));
  }
  return joined(total);
}

Mapped CouplingChain::pull(ad::Var x, ad::Var context) const {
  MappedHalves total{split(x), {}};
  for (auto c = couplings_.rbegin(); c != couplings_.rend(); ++c) {
    const ad::Scope scope(*x.tape, (*c)->name());
    append(total, (*c)->inverse(total.y, context));
  }
  return joined(total);
}

}  // namespace eqp::flows
