#include "train/reverse_kl.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace eqp::train {
namespace {

// in: noise (n, noise_dim), beta (n, 1)
ad::Var reverse_loss(const flows::Flow& flow, const mcmc::Energy& energy, ad::Var noise,
                     ad::Var beta) {
  const auto [x, log_prob] = flow.sample(noise);
  return log_prob + reshape(beta, {beta.shape()[0]}) * energy(x);
}

void feed_reverse(const ReverseKlOptions& o, std::uint32_t t, ad::View noise, ad::View beta) {
  ad::BlockRng{o.key, t, 0}.normal(noise);
  std::ranges::fill(beta.flat(), Real(o.beta(t)));
}

// Written so that a NaN fails.
void check_share(const char* who, const char* what, double share) {
  if (share >= 0 && share <= 1) return;
  throw std::invalid_argument(std::string(who) + ": " + what + " " + std::to_string(share) +
                              "; need a number in [0, 1]");
}

}  // namespace

Annealing linear_annealing(double first, std::uint32_t steps) {
  check_share("linear_annealing", "first", first);
  return [=](std::uint32_t step) {
    return step >= steps ? 1 : first + (1 - first) * double(step) / steps;
  };
}

Objective reverse_kl(flows::Flow flow, mcmc::Energy energy, const ReverseKlOptions& options) {
  return {
      .name = "reverse_kl",
      .batch = options.batch,
      .row_shapes = {{flow.noise_dim()}, {1}},
      .loss = [=](std::span<const ad::Var> in) { return reverse_loss(flow, energy, in[0], in[1]); },
      .feed = [=](std::uint32_t t, std::span<const ad::View> in,
                  StepLog&) { feed_reverse(options, t, in[0], in[1]); }};
}

Objective mixed_kl(flows::Flow flow, mcmc::Energy energy, DataSource data, double reverse,
                   const ReverseKlOptions& options) {
  check_share("mixed_kl", "reverse", reverse);
  return {.name = "mixed_kl",
          .batch = options.batch,
          .row_shapes = {{flow.noise_dim()}, {1}, {flow.dim()}},
          .loss =
              [=](std::span<const ad::Var> in) {
                if (reverse == 0) return -flow.log_prob(in[2]);
                return reverse * reverse_loss(flow, energy, in[0], in[1]) -
                       (1 - reverse) * flow.log_prob(in[2]);
              },
          .feed =
              [=](std::uint32_t t, std::span<const ad::View> in, StepLog&) {
                feed_reverse(options, t, in[0], in[1]);
                data(t, in[2]);
              }};
}

}  // namespace eqp::train
