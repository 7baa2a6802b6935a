#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autodiff/program.hpp"
#include "flows/base.hpp"
#include "flows/coupling_chain.hpp"
#include "flows/permutation.hpp"
#include "flows/realnvp.hpp"

// The table that every property of tests/flows/properties.cpp is checked on: one row per flow.
namespace eqp::flows::test {

struct Case {
  std::string name;
  std::size_t dim;
  std::function<Flow(ad::Params&)> build;
};

/// Parameters far from where a flow begins, so that no map is the identity: of either sign and
/// bounded away from 0, biases smaller, so that every rectifier is on for some inputs and off for
/// others.
inline void randomise(ad::Params& params) {
  ad::Draws draws({5, 0});
  const auto values = params.mutate();
  for (const auto& e : params.entries()) {
    const double scale = e.shape.rank() == 2 ? 0.4 : 0.2;
    for (std::size_t i = 0; i < e.shape.size(); ++i) {
      const double sign = draws.uniform() < 0.5 ? -1 : 1;
      values[e.offset + i] = Real(scale * sign * (0.5 + draws.uniform()));
    }
  }
}

inline std::shared_ptr<CouplingChain> coupling(ad::Params& params, std::size_t dim, Half moved,
                                               CouplingForm form) {
  const CouplingOptions options{.hidden = {8}, .form = form, .cap = 0.8};
  return std::make_shared<CouplingChain>(
      std::vector{AffineCoupling(params, "c", dim, moved, options, {3, 0})});
}

inline Case single(const std::string& name, std::size_t dim, Half moved, CouplingForm form) {
  return {name, dim, [=](ad::Params& params) {
            const auto base = std::make_shared<DiagonalGaussian>(standard_normal(dim));
            return Flow(base, {coupling(params, dim, moved, form)});
          }};
}

inline Case nvp(const std::string& name, std::size_t dim, const RealNvpOptions& options) {
  return {name, dim, [=](ad::Params& params) {
            return realnvp(params, "flow", dim, options, {3, 0});
          }};
}

inline Flow mixed(ad::Params& params, std::size_t dim) {
  const auto base = std::make_shared<TrainableGaussian>(params, "base", dim);
  const auto first = coupling(params, dim, Half::second, CouplingForm::plain);
  const CouplingOptions options{.hidden = {6, 6}, .cap = 0.5, .activation = ad::tanh};
  std::vector<AffineCoupling> chain;
  chain.emplace_back(params, "d.0", dim, Half::second, options, ad::Key{4, 0});
  chain.emplace_back(params, "d.1", dim, Half::first, options, ad::Key{4, 1});
  return Flow(base, {first, std::make_shared<Permutation>(reversal(dim)),
                     std::make_shared<CouplingChain>(chain)});
}

inline std::vector<Case> all_cases() {
  const auto capped = CouplingForm::capped, plain = CouplingForm::plain;
  const auto reorder = [](std::vector<std::size_t> order) {
    return [=](ad::Params&) {
      const auto base = std::make_shared<DiagonalGaussian>(standard_normal(order.size(), 2));
      return Flow(base, {std::make_shared<Permutation>(order)});
    };
  };
  return {
      single("capped first of 2", 2, Half::first, capped),
      single("capped second of 2", 2, Half::second, capped),
      single("capped first of 5", 5, Half::first, capped),
      single("capped second of 3", 3, Half::second, capped),
      single("plain first of 2", 2, Half::first, plain),
      single("plain second of 2", 2, Half::second, plain),
      single("plain first of 5", 5, Half::first, plain),
      single("plain second of 3", 3, Half::second, plain),
      {"permutation", 4, reorder({2, 0, 3, 1})},
      {"swap", 2, reorder({1, 0})},
      {"composition of 2", 2, [](ad::Params& params) { return mixed(params, 2); }},
      {"composition of 3", 3, [](ad::Params& params) { return mixed(params, 3); }},
      nvp("capped RealNVP of 2", 2, {.base_variance = 2}),
      nvp("capped RealNVP of 3", 3, {.blocks = 2, .hidden = {8, 8}, .activation = ad::tanh}),
      nvp("capped RealNVP of 5", 5, {.blocks = 3}),
      nvp("plain RealNVP of 2", 2, {.blocks = 2, .form = plain}),
      nvp("plain RealNVP of 5", 5, {.blocks = 2, .hidden = {8}, .form = plain}),
      nvp("plain RealNVP of 8", 8, {.blocks = 1, .hidden = {}, .form = plain}),
  };
}

}  // namespace eqp::flows::test
