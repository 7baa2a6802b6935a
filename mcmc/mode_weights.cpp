#include "mcmc/mode_weights.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "autodiff/parallel.hpp"
#include "mcmc/mcse.hpp"

namespace eqp::mcmc {
namespace {

ChainValues indicator(const Labels& labels, std::uint32_t mode) {
  ChainValues x{labels.chains, labels.draws, std::vector<double>(labels.values.size())};
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] = labels.values[i] == mode;
  return x;
}

Estimate weight(const ChainValues& x) { return {mean_variance(x.values).mean, mcse_mean(x)}; }

std::size_t ones(std::span<const double> x) {
  return static_cast<std::size_t>(std::ranges::count(x, 1.0));
}

Mode mode_of(const ChainValues& x, bool known, const ModeOptions& options) {
  Mode mode{.weight = weight(x), .visits = ones(x.values)};
  const std::size_t last =
      std::max<std::size_t>(1, std::size_t(options.last_part * double(x.draws)));
  std::size_t last_visits = 0;
  for (std::size_t c = 0; c < x.chains; ++c) {
    mode.chains += ones(x.chain(c)) > 0;
    last_visits += ones(x.chain(c).last(last));
  }
  const std::size_t half = x.draws / 2;
  const Estimate a = weight(part(x, 0, half)), b = weight(part(x, x.draws - half, half));
  mode.first_half = a.value;
  mode.second_half = b.value;
  // A half that is always or never there has no error of its own to add.
  const double error = std::hypot(std::isnan(a.mcse) ? 0 : a.mcse, std::isnan(b.mcse) ? 0 : b.mcse);
  mode.difference = a.value == b.value ? 0 : std::abs(a.value - b.value) / error;
  mode.lost = (known || mode.visits > 0) && last_visits == 0;
  mode.unsettled = mode.difference > options.disagreement;
  return mode;
}

void check(const Labels& labels, const ModeOptions& options) {
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("mode_weights: " + what);
  };
  if (labels.chains == 0 || labels.draws < 8) {
    fail(std::to_string(labels.chains) + " chains of " + std::to_string(labels.draws) +
         " draws; need at least 1 chain of 8");
  }
  if (!options.known.empty() && options.known.size() != labels.modes) {
    fail(std::to_string(options.known.size()) + " known flags for " + std::to_string(labels.modes) +
         " modes; need one each");
  }
  if (!(options.last_part > 0 && options.last_part <= 1)) {
    fail("last_part " + std::to_string(options.last_part) + "; need a share above 0, at most 1");
  }
}

}  // namespace

Labelling nearest_centre(ad::Tensor centres) {
  if (centres.shape().rank() != 2 || centres.size() == 0) {
    throw std::invalid_argument("nearest_centre: centres " + str(centres.shape()) +
                                "; need (modes, d), neither 0");
  }
  // A std::function is copied: the copies share the centres.
  const auto shared = std::make_shared<const ad::Tensor>(std::move(centres));
  return [shared](std::span<const Real> x) {
    if (x.size() != shared->cols()) {
      throw std::invalid_argument("nearest_centre: a position of " + std::to_string(x.size()) +
                                  " coordinates; need " + std::to_string(shared->cols()));
    }
    std::uint32_t nearest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < shared->rows(); ++k) {
      double squares = 0;
      for (std::size_t j = 0; j < x.size(); ++j) {
        const double step = double(x[j]) - double((*shared)(k, j));
        squares += step * step;
      }
      if (squares < least) {
        least = squares;
        nearest = static_cast<std::uint32_t>(k);
      }
    }
    return nearest;
  };
}

Labels label(ad::ConstView draws, std::size_t modes, const Labelling& labelling) {
  if (draws.shape.rank() != 3) {
    throw std::invalid_argument("label: draws " + str(draws.shape) + "; need (chains, draws, d)");
  }
  Labels labels{draws.shape[0], draws.shape[1], modes, {}};
  labels.values.resize(labels.chains * labels.draws);
  const std::size_t d = draws.shape[2];
  ad::parallel_for(labels.chains, [&](std::size_t c) {
    for (std::size_t t = 0; t < labels.draws; ++t) {
      const auto x = draws.row(c).subspan(t * d, d);
      const auto who = [&] {
        return "label: draw " + std::to_string(t) + " of chain " + std::to_string(c);
      };
      if (!std::ranges::all_of(x, [](Real v) { return std::isfinite(v); })) {
        throw std::invalid_argument(who() + " is not finite; it is in no mode");
      }
      const std::uint32_t mode = labelling(x);
      if (mode >= modes) {
        throw std::invalid_argument(who() + " is in mode " + std::to_string(mode) +
                                    "; need a number below " + std::to_string(modes));
      }
      labels.values[c * labels.draws + t] = mode;
    }
  });
  return labels;
}

ModeWeights mode_weights(const Labels& labels, const ModeOptions& options) {
  check(labels, options);
  ModeWeights result;
  result.modes.resize(labels.modes);
  ad::parallel_for(labels.modes, [&](std::size_t k) {
    const bool known = options.known.empty() || options.known[k];
    result.modes[k] = mode_of(indicator(labels, static_cast<std::uint32_t>(k)), known, options);
  });
  for (const Mode& mode : result.modes) result.alarm |= mode.lost || mode.unsettled;
  for (std::size_t c = 0; c < labels.chains; ++c) {
    const auto chain = std::span(labels.values).subspan(c * labels.draws, labels.draws);
    std::size_t moved = 0;
    for (std::size_t t = 1; t < chain.size(); ++t) moved += chain[t] != chain[t - 1];
    result.transitions.push_back(moved);
  }
  return result;
}

std::string ModeWeights::text() const {
  std::ostringstream out;
  out << "mode    weight      mcse    visits  chains  1st half  2nd half\n" << std::fixed;
  for (std::size_t k = 0; k < modes.size(); ++k) {
    const Mode& m = modes[k];
    out << std::setw(4) << k << std::setprecision(4) << std::setw(10) << m.weight.value
        << std::setw(10) << m.weight.mcse << std::setw(10) << m.visits << std::setw(8) << m.chains
        << std::setw(10) << m.first_half << std::setw(10) << m.second_half << '\n';
  }
  const auto [least, most] = std::ranges::minmax(transitions);
  out << "transitions per chain: " << least << " to " << most << '\n' << std::setprecision(1);
  for (std::size_t k = 0; k < modes.size(); ++k) {
    const Mode& m = modes[k];
    if (m.lost) out << "mode " << k << " is lost: the last part of the chains never visits it\n";
    if (m.unsettled) {
      out << "mode " << k << " is unsettled: the halves of the chains disagree by " << m.difference
          << " standard errors; run longer, or add moves between modes\n";
    }
  }
  return out.str();
}

}  // namespace eqp::mcmc
