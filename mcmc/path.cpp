#include "mcmc/path.hpp"

#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "autodiff/non_finite.hpp"

namespace eqp::mcmc {
namespace {

std::shared_ptr<ad::Params> temperatures(const std::vector<std::string>& names) {
  const auto params = std::make_shared<ad::Params>();
  for (const std::string& name : names) params->add(name, {1}, [](std::span<Real>) {});
  return params;
}

/// U_b with b the entry of `params` at `offset`, which lives as long as the energy does.
Energy energy_at(const Path& path, const std::shared_ptr<ad::Params>& params, std::size_t offset) {
  return [energy = path.energy, params, offset](ad::Var x) {
    return energy(x, ad::Param{params.get(), offset, {1}}.on(*x.tape));
  };
}

/// U_from, U_to and log q of positions x (n, d), (n) each.
ad::Batched energies(const Path& path, const std::shared_ptr<ad::Params>& ends) {
  return {{ad::Shape{path.base.dim}},
          [from = energy_at(path, ends, 0), to = energy_at(path, ends, 1),
           log_q = path.base.log_prob](std::span<const ad::Var> in) -> ad::Vars {
            return {from(in[0]), to(in[0]), log_q(in[0])};
          }};
}

ad::Batched draws(const Proposal& base) {
  return {{ad::Shape{base.noise_dim}},
          [sample = base.sample](std::span<const ad::Var> in) -> ad::Vars {
            return {sample(in[0]).first};
          }};
}

/// a - b of every particle.
std::vector<double> differences(std::span<const double> a, std::span<const double> b,
                                const char* names) {
  std::vector<double> d(a.size());
  for (std::size_t i = 0; i < d.size(); ++i) {
    d[i] = a[i] - b[i];
    if (d[i] < std::numeric_limits<double>::infinity()) continue;
    std::ostringstream text;
    text << "path: particle " << i << " has a log-weight that is not finite: " << names << " is "
         << a[i] << " - " << b[i] << "; need a base that draws where the energies are finite";
    throw ad::NonFinite(text.str(), ad::NonFinite::Origin::operation, i);
  }
  return d;
}

}  // namespace

Path geometric_path(const Proposal& base, const Energy& target) {
  return {.base = base,
          .energy = [log_q = base.log_prob, target](
                        ad::Var x, ad::Var b) { return b * target(x) - (1 - b) * log_q(x); },
          .linear = true};
}

Path tempered_path(const Proposal& base, const Energy& factor) {
  return {.base = base,
          .energy = [log_q = base.log_prob, factor](ad::Var x,
                                                    ad::Var b) { return b * factor(x) - log_q(x); },
          .linear = true};
}

Temperature::Temperature(const Path& path)
    : b_(temperatures({"b"})), energy_(energy_at(path, b_, 0)) {}

void Temperature::set(double b) { b_->mutate()[0] = Real(b); }

PathWeights::PathWeights(const Path& path, std::size_t particles)
    : path_(path),
      ends_(temperatures({"from", "to"})),
      draw_(draws(path.base)),
      energies_(energies(path, ends_)),
      blocks_{particles, 1} {
  if (particles == 0) throw std::invalid_argument("path: 0 particles; need at least 1");
  blocks_.block = energies_.block(particles);
  for (std::size_t b = 0; b < blocks_.count(); ++b) {
    at_.push_back(energies_.workspace(blocks_.size(b)));
  }
}

ad::Tensor PathWeights::draw(ad::Key key) const {
  ad::Tensor x({blocks_.rows, path_.base.dim});
  ad::parallel_for(blocks_.count(), [&](std::size_t b) {
    ad::Workspace fresh = draw_.workspace(blocks_.size(b));
    const std::size_t first = blocks_.first(b);
    ad::BlockRng{key, 0, std::uint32_t(first)}.normal(fresh.in(0));
    fresh.run();
    std::ranges::copy(fresh.out(0).flat(), x.view().slice(first, blocks_.size(b)).data);
  });
  return x;
}

void PathWeights::at(ad::ConstView x) {
  const ad::Shape need{blocks_.rows, path_.base.dim};
  if (!(x.shape == need)) {
    throw std::invalid_argument("path: positions " + ad::str(x.shape) + "; need " + ad::str(need));
  }
  for (std::size_t b = 0; b < blocks_.count(); ++b) {
    std::ranges::copy(x.slice(blocks_.first(b), blocks_.size(b)).flat(), at_[b].in(0).data);
  }
  linear_ = {};
}

PathWeights::Energies PathWeights::evaluate(double from, double to) {
  const std::span<Real> ends = ends_->mutate();
  ends[0] = Real(from);
  ends[1] = Real(to);
  const std::size_t n = blocks_.rows;
  Energies u{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n)};
  ad::parallel_for(blocks_.count(), [&](std::size_t b) {
    at_[b].run();
    std::size_t output = 0;
    for (std::vector<double>* values : {&u.from, &u.to, &u.log_q}) {
      std::ranges::copy(at_[b].out(output++).flat(),
                        values->begin() + std::ptrdiff_t(blocks_.first(b)));
    }
  });
  return u;
}

std::vector<double> PathWeights::from_base() {
  const Energies u = evaluate(0, 1);
  std::vector<double> minus(u.log_q);
  for (double& v : minus) v = -v;
  const std::vector<double> gained = differences(minus, u.from, "-log q - U_0");
  if (path_.linear) linear_ = u;
  return gained;
}

std::vector<double> PathWeights::increments(double from, double to) {
  if (!path_.linear) {
    const Energies u = evaluate(from, to);
    return differences(u.from, u.to, "U_from - U_to");
  }
  if (linear_.from.empty()) linear_ = evaluate(0, 1);
  std::vector<double> gained = differences(linear_.from, linear_.to, "U_0 - U_1");
  for (double& v : gained) v *= rounded(to) - rounded(from);
  return gained;
}

void check_temperatures(const std::string& who, std::span<const double> temperatures) {
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument(who + ": " + what + "; need temperatures from 0 up to 1");
  };
  if (temperatures.size() < 2) fail(std::to_string(temperatures.size()) + " temperatures");
  if (temperatures.front() != 0 || temperatures.back() != 1) {
    fail("temperatures from " + std::to_string(temperatures.front()) + " to " +
         std::to_string(temperatures.back()));
  }
  for (std::size_t k = 1; k < temperatures.size(); ++k) {
    if (rounded(temperatures[k]) > rounded(temperatures[k - 1])) continue;
    fail("temperature " + std::to_string(k) + " is not above the one before");
  }
}

std::vector<double> even_temperatures(std::size_t n) {
  return refined(std::vector<double>{0, 1}, n);
}

std::vector<double> refined(std::span<const double> temperatures, std::size_t times) {
  if (times == 0)
    throw std::invalid_argument("temperatures: cut 0 times as finely; need at least 1");
  check_temperatures("temperatures", temperatures);
  std::vector<double> fine{0};
  for (std::size_t k = 1; k < temperatures.size(); ++k) {
    const double from = temperatures[k - 1], to = temperatures[k];
    for (std::size_t j = 1; j < times; ++j)
      fine.push_back(from + (to - from) * double(j) / double(times));
    fine.push_back(to);
  }
  return fine;
}

std::vector<double> stretched(std::span<const double> values, std::size_t times) {
  std::vector<double> all;
  for (const double v : values) all.insert(all.end(), times, v);
  return all;
}

}  // namespace eqp::mcmc
