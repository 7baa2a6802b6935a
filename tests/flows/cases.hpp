#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autodiff/program.hpp"
#include "flows/base.hpp"
#include "flows/linear.hpp"
#include "flows/maf.hpp"
#include "flows/monotone_coupling.hpp"
#include "flows/neural_spline.hpp"
#include "flows/permutation.hpp"
#include "flows/realnvp.hpp"

// The table that every property of tests/flows/properties.cpp is checked on: one row per flow.
namespace eqp::flows::test {

using Couplings = std::vector<std::shared_ptr<const Coupling>>;

struct Case {
  std::string name;
  std::size_t dim;
  std::function<Flow(ad::Params&)> build;
  /// Of the parameters: smaller where they would make features too fine for the quadrature, or a
  /// stack so deep that it loses every digit.
  double size = 1;
};

/// Parameters far from where a flow begins, so that no map is the identity: of either sign and
/// bounded away from 0, biases smaller, so that every rectifier is on for some inputs and off for
/// others. `size` scales all.
inline void randomise(ad::Params& params, double size = 1) {
  ad::Draws draws({5, 0});
  const auto values = params.mutate();
  for (const auto& e : params.entries()) {
    const double scale = size * (e.shape.rank() == 2 ? 0.4 : 0.2);
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
      "c",
      Couplings{std::make_shared<AffineCoupling>(params, "c", dim, moved, options, ad::Key{3, 0})});
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
  Couplings chain;
  chain.push_back(
      std::make_shared<AffineCoupling>(params, "d.0", dim, Half::second, options, ad::Key{4, 0}));
  chain.push_back(
      std::make_shared<AffineCoupling>(params, "d.1", dim, Half::first, options, ad::Key{4, 1}));
  return Flow(base, {first, std::make_shared<Permutation>(reversal(dim)),
                     std::make_shared<CouplingChain>("d", chain)});
}

inline Case spline(const std::string& name, std::size_t dim, const NeuralSplineOptions& options) {
  return {name, dim,
          [=](ad::Params& params) {
            return neural_spline(params, "flow", dim, options, {3, 0});
          },
          0.5};
}

inline Case autoregressive(const std::string& name, std::size_t dim, const MafOptions& options) {
  return {name, dim,
          [=](ad::Params& params) {
            return maf(params, "flow", dim, options, {3, 0});
          },
          0.5};
}

// 64 couplings of dim 3.
template <class Make>
Case deep(const std::string& name, Make make) {
  return {name, 3,
          [=](ad::Params& params) {
            Couplings chain;
            for (std::uint32_t i = 0; i < 64; ++i) {
              const Half half = i % 2 == 0 ? Half::first : Half::second;
              chain.push_back(make(params, "flow." + std::to_string(i), half, ad::Key{3, i}));
            }
            return Flow(std::make_shared<DiagonalGaussian>(standard_normal(3)),
                        {std::make_shared<CouplingChain>("flow", chain)});
          },
          0.25};
}

// One layer on a standard normal.
template <class Layer>
Case layer(const std::string& name, std::size_t dim) {
  return {name, dim, [=](ad::Params& params) {
            return Flow(std::make_shared<DiagonalGaussian>(standard_normal(dim)),
                        {std::make_shared<Layer>(params, "layer", dim)});
          }};
}
template <>
inline Case layer<LuLinear>(const std::string& name, std::size_t dim) {
  return {name, dim, [=](ad::Params& params) {
            return Flow(std::make_shared<DiagonalGaussian>(standard_normal(dim)),
                        {std::make_shared<LuLinear>(params, "layer", dim, ad::Key{3, 0})});
          }};
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
      nvp("RealNVP of 5 with one network", 5,
          {.blocks = 2, .hidden = {8}, .form = plain, .networks = Networks::one}),
      nvp("conditional RealNVP of 4 with one network", 4,
          {.blocks = 2,
           .hidden = {8},
           .form = plain,
           .networks = Networks::one,
           .activation = ad::tanh,
           .context_dim = 2}),
      nvp("conditional RealNVP of 3", 3,
          {.blocks = 2, .hidden = {8}, .form = plain, .activation = ad::tanh, .context_dim = 2}),
      layer<ElementwiseAffine>("elementwise of 3", 3),
      layer<Whitening>("whitening of 1", 1),
      layer<Whitening>("whitening of 4", 4),
      layer<LuLinear>("LU of 2", 2),
      layer<LuLinear>("LU of 5", 5),
      spline("spline couplings of 2", 2, {.hidden = {8}, .activation = ad::tanh}),
      spline("spline couplings of 5 with LU", 5,
             {.blocks = 2,
              .hidden = {8, 6},
              .spline = {.bins = 5, .bound = 2.5},
              .mixing = Mixing::lu,
              .activation = ad::tanh}),
      spline("spline couplings of 3, shuffled, conditional", 3,
             {.blocks = 2,
              .hidden = {8},
              .mixing = Mixing::shuffle,
              .activation = ad::tanh,
              .context_dim = 1}),
      autoregressive("MAF of 1", 1, {.transforms = 2, .hidden = {4}, .activation = ad::tanh}),
      autoregressive("MAF of 2", 2, {.transforms = 2, .hidden = {8}, .activation = ad::tanh}),
      autoregressive("MAF of 5", 5, {.transforms = 2, .hidden = {8, 9}, .activation = ad::tanh}),
      autoregressive("IAF of 4, conditional", 4,
                     {.transforms = 2,
                      .hidden = {7, 8},
                      .one_pass = OnePass::forward,
                      .activation = ad::tanh,
                      .context_dim = 2}),
      autoregressive("autoregressive splines of 2", 2,
                     {.transforms = 2,
                      .hidden = {8},
                      .family = rational_quadratic({.bins = 4, .bound = 3}),
                      .activation = ad::tanh}),
      autoregressive("autoregressive splines of 3, conditional", 3,
                     {.transforms = 2,
                      .hidden = {},
                      .family = rational_quadratic(),
                      .one_pass = OnePass::forward,
                      .context_dim = 1}),
      // Deep stacks: caps such that the log-scales of one coordinate sum to at most 4.
      deep("64 affine couplings",
           [](auto& p, auto name, Half half, ad::Key key) {
             return std::make_shared<AffineCoupling>(p, name, 3, half,
                                                     CouplingOptions{.hidden = {8},
                                                                     .form = CouplingForm::plain,
                                                                     .cap = 0.125,
                                                                     .activation = ad::tanh},
                                                     key);
           }),
      deep("64 spline couplings",
           [](auto& p, auto name, Half half, ad::Key key) {
             return std::make_shared<MonotoneCoupling>(
                 p, name, 3, half, rational_quadratic({.bins = 4, .min_slope = 0.5}),
                 MonotoneCouplingOptions{.hidden = {8}, .activation = ad::tanh}, key);
           }),
  };
}

}  // namespace eqp::flows::test
