#include "mcmc/warnings.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "mcmc/log_weights.hpp"

namespace eqp::mcmc {
namespace {

std::string number(double value, int digits = 3) {
  std::ostringstream text;
  text.precision(digits);
  text << value;
  return text.str();
}

std::string count_of(std::uint64_t count, std::uint64_t of, const std::string& whose) {
  std::string text = std::to_string(count) + " of " + std::to_string(of) + " " + whose;
  if (of > 0) {
    const double share = 100 * double(count) / double(of);
    text += " (" + number(share, share < 100 ? 2 : 3) + " %)";
  }
  return text;
}

/// The next of the targets that people try; nothing above 0.99.
std::string higher_target(double target_accept) {
  for (const double next : {0.9, 0.95, 0.99}) {
    if (target_accept > 0 && target_accept < next) return number(next);
  }
  return "";
}

/// So many times the steps, rounded up to two digits.
std::string raised(std::uint32_t steps, double factor) {
  const double wanted = double(steps) * factor;
  if (steps == 0 || !(wanted < 4e9)) return "";
  const double unit = std::pow(10.0, std::max(0.0, std::floor(std::log10(wanted)) - 1));
  // A hair less, so that a product that was rounded up is not rounded up again.
  return std::to_string(std::uint64_t(std::ceil(wanted / unit - 1e-9) * unit));
}

/// Empty where there is no such option, or nothing to set it to.
std::string option(const std::string& name, const std::string& value) {
  return name.empty() || value.empty() ? "" : name + " " + value;
}

class Collector {
 public:
  Collector(const RunFacts& facts, const WarningLimits& limits, const WarningFlags& flags)
      : facts_(facts), limits_(limits), flags_(flags) {}

  std::vector<Warning> collect() {
    transitions();
    energies();
    parameters();
    modes();
    mixing();
    weights();
    return std::move(found_);
  }

 private:
  void add(Warning warning) {
    if (warning.count > 0) found_.push_back(std::move(warning));
  }

  void transitions() {
    const std::uint64_t all = facts_.transitions;
    const std::string smaller_steps =
        option(flags_.target_accept, higher_target(facts_.target_accept));
    add({"divergences", facts_.divergences, all,
         count_of(facts_.divergences, all, "transitions after warm-up") + " diverged",
         "The sampler could not follow the energy there, so that estimates may be biased.",
         "Take smaller steps; if a few stay, reparametrise.", smaller_steps});
    add({"proposals", facts_.not_finite, facts_.not_finite,
         std::to_string(facts_.not_finite) +
             " proposals were rejected because their energy was "
             "not finite (" +
             std::to_string(facts_.nan) + " nan, " +
             std::to_string(facts_.not_finite - facts_.nan) + " infinite)",
         "The target counts as zero there.",
         "If it is not, mend the energy; if it is, smaller steps meet it less often.",
         smaller_steps});
    const std::string depth = facts_.max_depth > 0 ? " of " + std::to_string(facts_.max_depth) : "";
    add({"max_depth", facts_.saturations, all,
         count_of(facts_.saturations, all, "transitions after warm-up") +
             " reached the maximum tree depth" + depth,
         "Trajectories end too early, which makes the chains slow but not wrong.",
         "Allow deeper trees, or rescale the parameters.",
         depth.empty() ? "" : option(flags_.max_depth, std::to_string(facts_.max_depth + 2))});
  }

  void energies() {
    double least = 1;
    std::uint64_t low = 0;
    for (const double fraction : facts_.e_bfmi) {
      if (!(fraction < limits_.e_bfmi)) continue;
      ++low;
      least = std::min(least, fraction);
    }
    add({"e_bfmi", low, facts_.e_bfmi.size(),
         count_of(low, facts_.e_bfmi.size(), "chains") + " have an E-BFMI below " +
             number(limits_.e_bfmi) + ", the lowest " + number(least),
         "The chains move slowly between energies, so that tails may be missed.",
         "Warm up longer; if that does not help, reparametrise.",
         option(flags_.warmup,
                facts_.warmup > 0 ? std::to_string(2 * std::uint64_t(facts_.warmup)) : "")});
  }

  void parameters() {
    std::uint64_t broken = 0, constant = 0;
    for (const Summary& s : facts_.summaries) {
      broken += s.not_finite > 0;
      constant += s.not_finite == 0 && s.sd.value == 0;
    }
    const std::size_t all = facts_.summaries.size();
    add({"not_finite", broken, all,
         count_of(broken, all, "parameters") + " have draws that are not finite",
         "Nothing can be estimated of them.",
         "Find where the energy or its gradient is not finite.", ""});
    add({"constant", constant, all, count_of(constant, all, "parameters") + " never moved",
         "Nothing can be said of how well they are sampled.",
         "If they are not meant to be fixed, every proposal was rejected: take smaller steps.",
         ""});
  }

  void modes() {
    if (!facts_.modes) return;
    const auto& all = facts_.modes->modes;
    const auto lost = std::uint64_t(std::ranges::count_if(all, &Mode::lost));
    const auto unsettled = std::uint64_t(std::ranges::count_if(all, &Mode::unsettled));
    add({"mode_lost", lost, all.size(),
         count_of(lost, all.size(), "modes") + " are not visited in the last part of the chains",
         "Their weights are wrong, and with them those of all others.",
         "Add moves between modes: a flow or tempering.", ""});
    add({"mode_unsettled", unsettled, all.size(),
         count_of(unsettled, all.size(), "modes") +
             " have weights that differ between the halves of the chains by more than their error",
         "The chains have not settled, so that weights are not to be trusted.",
         "Warm up and run longer.", more_steps(4)});
  }

  void mixing() {
    const double least_ess = limits_.ess_per_chain * double(facts_.chains);
    std::uint64_t apart = 0, few_bulk = 0, few_tail = 0;
    double worst_rhat = 0, worst_bulk = least_ess, worst_tail = least_ess;
    for (const Summary& s : facts_.summaries) {
      apart += s.r_hat > limits_.r_hat;
      few_bulk += s.ess_bulk < least_ess;
      few_tail += s.ess_tail < least_ess;
      worst_rhat = std::fmax(worst_rhat, s.r_hat);
      worst_bulk = std::fmin(worst_bulk, s.ess_bulk);
      worst_tail = std::fmin(worst_tail, s.ess_tail);
    }
    const std::size_t all = facts_.summaries.size();
    add({"r_hat", apart, all,
         count_of(apart, all, "parameters") + " have an R-hat above " + number(limits_.r_hat) +
             ", the largest " + number(worst_rhat),
         "The chains have not mixed, so that no estimate is to be trusted yet.",
         "Warm up and run longer, or reparametrise.", more_steps(2)});
    const auto ess = [&](const char* kind, const char* name, const char* consequence,
                         std::uint64_t few, double worst) {
      add({kind, few, all,
           count_of(few, all, "parameters") + " have a " + name + " ESS below " +
               number(limits_.ess_per_chain) + " per chain, " + number(least_ess, 6) +
               " in all, the smallest " + number(worst),
           consequence, "Run longer.", more_steps(least_ess / worst)});
    };
    ess("ess_bulk", "bulk", "Means and medians, and R-hat too, may be unreliable.", few_bulk,
        worst_bulk);
    ess("ess_tail", "tail", "Variances and tail quantiles may be unreliable.", few_tail,
        worst_tail);
  }

  void weights() {
    if (!facts_.pareto_k) return;
    const double limit = pareto_k_threshold(facts_.weights);
    // The same as not below or equal, but for a NaN, which is a warning too.
    if (*facts_.pareto_k <= limit) return;
    add({"pareto_k", facts_.weights, facts_.weights,
         "Pareto k of " + std::to_string(facts_.weights) + " importance weights is " +
             number(*facts_.pareto_k) + ", above " + number(limit),
         "A few weights decide; their mean and effective number are not to be trusted.",
         "Train the proposal longer, or give it heavier tails.", ""});
  }

  std::string more_steps(double factor) const {
    return option(flags_.steps, raised(facts_.steps, factor));
  }

  const RunFacts& facts_;
  const WarningLimits& limits_;
  const WarningFlags& flags_;
  std::vector<Warning> found_;
};

}  // namespace

std::string Warning::text() const {
  std::string line = what + ". " + consequence + " " + remedy;
  if (!flag.empty()) line += " Try " + flag;
  return line;
}

std::vector<Warning> warnings(const RunFacts& facts, const WarningLimits& limits,
                              const WarningFlags& flags) {
  return Collector(facts, limits, flags).collect();
}

std::string text(std::span<const Warning> warnings) {
  if (warnings.empty()) return "nothing to warn of\n";
  std::string lines;
  for (const Warning& warning : warnings) lines += "warning: " + warning.text() + '\n';
  return lines;
}

}  // namespace eqp::mcmc
