#include "mcmc/nuts.hpp"

#include <bit>
#include <sstream>
#include <stdexcept>
#include <string>

namespace eqp::mcmc {

Nuts::Nuts(const Energy& energy, std::size_t dim, Options options)
    : dim_(dim), options_(std::move(options)), value_and_grad_(mcmc::value_and_grad(energy, dim)) {
  checked_step_size(kName, options_.step_size);
  check_metric(kName, options_.metric, dim);
  if (options_.max_depth == 0 || options_.max_depth > 20) {
    throw std::invalid_argument("Nuts: max_depth " + std::to_string(options_.max_depth) +
                                "; need 1 to 20");
  }
  if (!(options_.max_energy_error > 0 && std::isfinite(options_.max_energy_error))) {
    std::ostringstream text;
    text << "Nuts: max_energy_error " << options_.max_energy_error
         << "; need a finite number above 0";
    throw std::invalid_argument(text.str());
  }
}

Nuts::State Nuts::init(ad::ConstView x0, std::size_t first_chain) const {
  State s{.at = workspace_for(kName, value_and_grad_, dim_, x0)};
  const std::size_t n = x0.rows(), vectors = nuts::Tree::n_vectors(options_.max_depth);
  for (std::size_t rows = 1; rows < n; rows *= 2) {
    s.fewer.push_back(value_and_grad_.workspace(rows));
  }
  s.position = ad::Tensor(x0);
  s.gradient = ad::Tensor(x0.shape);
  s.energy.resize(n);
  s.vectors = ad::Tensor({n, vectors, dim_});
  for (std::size_t i = 0; i < n; ++i) {
    s.trees.emplace_back(s.position.row(i), s.gradient.row(i), s.energy[i],
                         s.vectors.row(i).data());
  }
  s.growing.reserve(n);
  s.latest.resize(n);
  cache_energy_and_gradient(s);
  check_start(kName, s.at, {"energy", "energy gradient"}, first_chain);
  return s;
}

void Nuts::refresh(State& s) const {
  cache_energy_and_gradient(s);
  check_refreshed(kName, s.at);
}

/// The next point of every growing chain, evaluated in the smallest workspace that has the rows.
ad::Workspace& Nuts::evaluate_growing(State& s) const {
  const std::size_t power = std::size_t(std::bit_width(s.growing.size() - 1));
  ad::Workspace& at = power < s.fewer.size() ? s.fewer[power] : s.at;
  for (std::size_t k = 0; k < s.growing.size(); ++k) {
    s.trees[s.growing[k]].leap(options_, at.in(0).row(k));
  }
  at.run();
  ++s.calls;
  s.rows += at.in(0).rows();
  return at;
}

void Nuts::finish(State& s, std::size_t i) {
  const Transition& t = s.latest[i] = s.trees[i].transition();
  s.counts.accepted += t.accept;
  s.counts.proposed += 1;
  s.counts.divergences += t.diverging;
  s.counts.saturations += s.trees[i].saturated();
  s.unheard.nan += s.trees[i].nan();
  ++s.unheard.transitions;
}

/// Looked at after as many transitions as there are chains, whichever chains made them.
void Nuts::stop_if_all_nan(State& s, std::size_t i) {
  if (s.unheard.transitions < s.trees.size()) return;
  const auto [transitions, nan] = std::exchange(s.unheard, {});
  if (!s.nan_proposals.too_many(transitions, nan)) return;
  ad::Workspace& at = s.fewer.empty() ? s.at : s.fewer.front();
  evaluate(at, {s.trees[i].end().data(), {1, s.position.cols()}});
  s.nan_proposals.stop(kName, at, kStepSizeAdvice);
}

double Nuts::try_leapfrog(State& s, const ad::BlockRng& rng) const {
  const std::size_t n = s.trees.size();
  for (std::size_t i = 0; i < n; ++i) {
    s.trees[i].start(options_, {rng.key, rng.step, rng.first_chain + std::uint32_t(i)});
    s.trees[i].leap(options_, s.at.in(0).row(i));
  }
  s.at.run();
  Counts counts;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    s.trees[i].absorb(options_, s.at.out(0)[i], s.at.out(1).row(i), counts);
    sum += s.trees[i].transition().accept;
  }
  s.counts.gradients += n;
  return sum;
}

}  // namespace eqp::mcmc
