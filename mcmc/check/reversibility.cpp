#include "mcmc/check/reversibility.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "mcmc/check/statistics.hpp"

namespace eqp::mcmc {
namespace {

double along(const std::vector<double>& direction, std::span<const Real> x) {
  double sum = 0;
  for (std::size_t j = 0; j < direction.size(); ++j) sum += direction[j] * double(x[j]);
  return sum;
}

}  // namespace

Cells::Cells(ad::ConstView pilot, std::size_t cells, ad::Key key) {
  const std::size_t m = pilot.rows(), d = pilot.cols();
  if (cells < 2 || m < 20 * cells) {
    throw std::invalid_argument("Cells: " + std::to_string(cells) + " cells from " +
                                std::to_string(m) +
                                " draws; need at least 2 cells and 20 draws for each");
  }
  // Directions are random in units of each coordinate's spread: all of them take part.
  std::vector<double> spread(d);
  for (std::size_t j = 0; j < d; ++j) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < m; ++i) mean += pilot(i, j) / double(m);
    for (std::size_t i = 0; i < m; ++i) squares += std::pow(pilot(i, j) - mean, 2);
    spread[j] = squares > 0 ? std::sqrt(squares / double(m)) : 1;
  }
  std::vector<std::vector<std::size_t>> members(1);
  for (std::size_t i = 0; i < m; ++i) members[0].push_back(i);
  while (size() < cells) {
    const auto largest = std::ranges::max_element(members, {}, &std::vector<std::size_t>::size);
    Cut cut{.from = std::size_t(largest - members.begin()), .direction = std::vector<double>(d)};
    ad::Draws draws(key, std::uint32_t(size()));
    for (std::size_t j = 0; j < d; ++j) cut.direction[j] = draws.normal() / spread[j];
    const auto place = [&](std::size_t i) { return along(cut.direction, pilot.row(i)); };
    std::ranges::sort(*largest, {}, place);
    const auto middle = largest->begin() + std::ptrdiff_t(largest->size() / 2);
    cut.at = place(*middle);
    const std::vector<std::size_t> rest(middle, largest->end());
    largest->erase(middle, largest->end());
    members.push_back(rest);
    cuts_.push_back(cut);
  }
}

std::size_t Cells::operator()(std::span<const Real> x) const {
  std::size_t cell = 0;
  for (std::size_t c = 0; c < cuts_.size(); ++c) {
    if (cuts_[c].from == cell && along(cuts_[c].direction, x) >= cuts_[c].at) cell = c + 1;
  }
  return cell;
}

Check judge_reversibility(const Target& target, const Moved& chains,
                          const ReversibilityOptions& options) {
  const Cells cells(exact_draws("reversibility", target, 200 * options.cells, options.key.fork(2)),
                    options.cells, options.key.fork(3));
  const std::size_t n = chains.before.rows(), k = cells.size();
  std::vector<double> count(k * k);
  for (std::size_t i = 0; i < n; ++i) {
    count[cells(chains.before.row(i)) * k + cells(chains.after.row(i))] += 1;
  }
  Tests tests;
  double moves = 0, bowker = 0, freedom = 0;
  std::string way;
  for (std::size_t a = 0; a < k; ++a) {
    for (std::size_t b = a + 1; b < k; ++b) {
      const double there = count[a * k + b], back = count[b * k + a], both = there + back;
      moves += both;
      if (both < 10) continue;  // the normal law is no good yet
      const double z = (there - back) / std::sqrt(both);
      tests.add("from cell " + std::to_string(a + 1) + " to " + std::to_string(b + 1) + ": " +
                    shown(there) + " there, " + shown(back) + " back",
                z);
      bowker += z * z;
      freedom += 1;
    }
  }
  tests.add("over all pairs: chi-square " + shown(bowker) + " for " + shown(freedom) +
                " degrees of freedom",
            z_of_chi_square(bowker, freedom));
  Check check = tests.check("reversibility", options.false_alarm);
  if (freedom == 0) {
    check.outcome = Outcome::failed;
    check.sentence = "Only " + shown(moves) + " of " + std::to_string(n) +
                     " moves left their cell, too few to judge by; take more steps.";
  } else if (check.outcome == Outcome::failed) {
    check.sentence = "Moves between cells do not balance, " + tests.worst() + ".";
  } else {
    check.sentence = std::to_string(std::size_t(moves)) + " moves of " + target.name + " between " +
                     std::to_string(k) + " cells balance, pair by pair and together.";
  }
  return check;
}

}  // namespace eqp::mcmc
