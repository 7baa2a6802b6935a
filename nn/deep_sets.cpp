#include "nn/deep_sets.hpp"

#include <stdexcept>

namespace eqp::nn {
namespace {

const std::string& checked(const std::string& name, const std::vector<std::size_t>& phi,
                           const std::vector<std::size_t>& rho) {
  if (phi.empty() || rho.empty() || phi.back() == rho.front()) return name;
  throw std::invalid_argument("deep sets \"" + name + "\": phi has " + std::to_string(phi.back()) +
                              " outputs and rho " + std::to_string(rho.front()) +
                              " inputs; need the same");
}

}  // namespace

DeepSets::DeepSets(ad::Params& params, const std::string& name, const std::vector<std::size_t>& phi,
                   const std::vector<std::size_t>& rho, Activation activation, ad::Key key,
                   const DeepSetsOptions& options)
    : name_(checked(name, phi, rho)),
      phi_(params, name + ".phi", phi, activation, key.fork(0), options.phi),
      rho_(params, name + ".rho", rho, activation, key.fork(1), options.rho),
      pool_(options.pool) {}

ad::Var DeepSets::operator()(ad::Var x) const {
  const ad::Scope scope(*x.tape, name_);
  const ad::Shape& s = x.shape();
  const std::size_t f = n_features();
  const bool rows = s.rank() == 2 && s[1] > 0 && s[1] % f == 0;
  if (!rows && !(s.rank() == 3 && s[1] > 0 && s[2] == f)) {
    throw std::invalid_argument("deep sets \"" + name_ + "\": " + str(s) + "; need (n, N, " +
                                std::to_string(f) + ") or (n, N * " + std::to_string(f) +
                                ") with N above 0");
  }
  const std::size_t n = s[0], elements = rows ? s[1] / f : s[1];
  const ad::Var values = phi_(reshape(x, {n * elements, f}));
  const ad::Var sets = reshape(values, {n, elements, phi_.n_outputs()});
  return rho_(pool_ == Pool::sum ? sum(sets, 1) : mean(sets, 1));
}

}  // namespace eqp::nn
