#pragma once

#include <limits>
#include <string>
#include <vector>

// What checks of a kernel, a target or weights came to, in numbers and in plain words.
namespace eqp::mcmc {

enum class Outcome { passed, failed, not_applicable };

/// One check, of possibly many tests. `statistic` is the worst test's: for random checks the
/// number of standard errors of a normal law that is as improbable (two-sided); `threshold` is what
/// a correct kernel exceeds with at most the check's false-alarm probability.
struct Check {
  std::string name;
  Outcome outcome = Outcome::passed;
  double statistic = 0, threshold = 0;
  std::string sentence;
};

/// A check that does not apply, with the reason.
Check not_applicable(const std::string& name, const std::string& reason);

/// A check that ended with an error, which fails it.
Check stopped(const std::string& name, const std::string& error);

struct Verdict {
  std::vector<Check> checks;

  /// Whether none failed.
  bool passed() const;
  /// The check of this name. Throws std::invalid_argument naming those there are.
  const Check& operator[](const std::string& name) const;
};

/// A line per check and one for the whole: "passed  stationarity  2.31 (threshold 4.65)  ...".
std::string str(const Verdict& verdict);

/// Tests that share a false-alarm probability: each gets an equal part of it (Bonferroni), so
/// that they may depend on each other.
class Tests {
 public:
  /// A statistic that is standard normal for a correct kernel; NaN counts as infinite. `what`
  /// completes the sentence "the largest deviation is that of ...".
  void add(const std::string& what, double z);
  std::size_t size() const { return size_; }
  const std::string& worst() const { return worst_; }
  double statistic() const { return statistic_; }
  /// The statistic that one of the tests exceeds with at most this probability.
  double threshold(double false_alarm) const;
  /// Passed or failed, with an empty sentence.
  Check check(const std::string& name, double false_alarm) const;

 private:
  std::size_t size_ = 0;
  std::string worst_;
  double statistic_ = 0;
};

/// A number with 3 significant digits.
std::string shown(double value);

}  // namespace eqp::mcmc
