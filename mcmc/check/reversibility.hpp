#pragma once

#include "mcmc/check/stationarity.hpp"

namespace eqp::mcmc {

struct ReversibilityOptions {
  std::size_t chains = 32768;
  std::uint32_t steps = 1;  // powers of a reversible kernel are reversible
  std::size_t cells = 12;
  double false_alarm = 1e-3;
  ad::Key key;
};

/// A partition of space into cells of about equal mass: draws are halved along random directions,
/// each half again, the largest first.
class Cells {
 public:
  /// pilot (m, d): draws of the law. Throws std::invalid_argument unless cells >= 2 and m >= 20
  /// per cell.
  Cells(ad::ConstView pilot, std::size_t cells, ad::Key key);
  std::size_t size() const { return cuts_.size() + 1; }
  /// The cell of x (d).
  std::size_t operator()(std::span<const Real> x) const;

 private:
  /// Cell `from` keeps what lies below; the rest becomes the next new cell.
  struct Cut {
    std::size_t from;
    std::vector<double> direction;  // (d)
    double at;
  };
  std::vector<Cut> cuts_;
};

Check judge_reversibility(const Target& target, const Moved& chains,
                          const ReversibilityOptions& options);

/// Is the kernel reversible: pi(A) P(A -> B) = pi(B) P(B -> A) for cells A, B? From exact starts,
/// counts n_AB of moves from A to B. Tests every pair by (n_AB - n_BA) / sqrt(n_AB + n_BA), and
/// their squares' sum as chi-square (Bowker 1948). A kernel that is invariant but not reversible,
/// such as one that runs through a cycle of moves, fails by right: do not ask it.
template <Kernel K>
Check check_reversibility(const K& kernel, const Target& target,
                          const ReversibilityOptions& options = {}) {
  try {
    return judge_reversibility(
        target, moved(kernel, target, options.chains, options.steps, options.key), options);
  } catch (const ad::NonFinite& e) {
    return stopped("reversibility", e.what());
  }
}

}  // namespace eqp::mcmc
