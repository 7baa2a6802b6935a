#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "autodiff/npy.hpp"
#include "mcmc/diagnostics.hpp"
#include "mcmc/summary.hpp"

// What reference/make_diagnostics.py wrote: draws, and ArviZ's values of them.
using namespace eqp;
using namespace eqp::mcmc;

namespace {

const auto kFolder = std::filesystem::path(__FILE__).parent_path() / "reference";

nlohmann::json reference() {
  return nlohmann::json::parse(std::ifstream(kFolder / "diagnostics.json"));
}

double number(const nlohmann::json& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}

std::vector<double> values(const std::string& name) {
  const ad::Tensor x = ad::read_npy(kFolder / (name + ".npy"));
  return {x.flat().begin(), x.flat().end()};
}

/// Close, or the same infinity, or both NaN.
bool agree(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) ||
         std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

/// Where we mean to differ: ArviZ wants two chains for R-hat, and takes the S draws of an indicator
/// that never changes for S independent ones, also those of a parameter that never does. (Of the 9
/// few draws, the one above the 95 % quantile is the middle one that halves leave out.)
bool meant_to_differ(const std::string& name, const std::string& statistic) {
  if (name == "one_chain") return statistic.ends_with("rhat");
  if (name == "binary" || name == "few_draws") {
    return statistic == "ess_tail" || statistic == "mcse_q95";
  }
  if (name == "apart") {
    return std::set<std::string>{"ess_sd", "mcse_sd", "mcse_q95"}.contains(statistic);
  }
  return name == "constant" && statistic != "mcse_sd" &&
         (statistic.starts_with("ess") || statistic.starts_with("mcse"));
}

std::map<std::string, double> ours(const ChainValues& x) {
  const Summary s = summarise("x", x);
  return {{"split_rhat", split_rhat(x)},
          {"rank_rhat", rank_rhat(x)},
          {"folded_rhat", folded_rhat(x)},
          {"rhat", s.r_hat},
          {"ess_mean", ess_mean(x)},
          {"ess_sd", ess_sd(x)},
          {"ess_bulk", s.ess_bulk},
          {"ess_tail", s.ess_tail},
          {"ess_q5", ess_quantile(x, 0.05)},
          {"mean", s.mean.value},
          {"mcse_mean", s.mean.mcse},
          {"sd", s.sd.value},
          {"mcse_sd", s.sd.mcse},
          {"q5", s.q5.value},
          {"mcse_q5", s.q5.mcse},
          {"q50", s.q50.value},
          {"mcse_q50", s.q50.mcse},
          {"q95", s.q95.value},
          {"mcse_q95", s.q95.mcse}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_statistic_of_draws_is_that_of_arviz) {
  std::size_t compared = 0;
  const nlohmann::json cases = reference()["draws"];
  for (const auto& [name, row] : cases.items()) {
    const ad::Tensor draws = ad::read_npy(kFolder / (name + ".npy"));
    const ChainValues x = coordinate(draws, 0);
    for (const auto& [statistic, value] : ours(x)) {
      const double theirs = number(row[statistic]);
      const bool equal = agree(value, theirs);
      BOOST_TEST(equal != meant_to_differ(name, statistic),
                 name << " " << statistic << ": " << value << ", ArviZ: " << theirs);
      compared += equal;
    }
    const std::vector<double> fractions = e_bfmi(x);
    for (std::size_t c = 0; c < x.chains; ++c) {
      BOOST_TEST(agree(fractions[c], number(row["bfmi"][c])), name << " E-BFMI");
    }
  }
  BOOST_TEST(compared > 200);
}

BOOST_AUTO_TEST_CASE(where_arviz_takes_no_change_for_independence_we_say_nan_or_look_elsewhere) {
  const auto chains = [](const char* name) {
    return coordinate(ad::read_npy(kFolder / (std::string(name) + ".npy")), 0);
  };
  BOOST_TEST(ess_tail(chains("binary")) == ess_quantile(chains("binary"), 0.05));
  BOOST_TEST(std::isnan(ess_quantile(chains("binary"), 0.95)));
  BOOST_TEST(std::isnan(mcse_quantile(chains("binary"), 0.95)));
  BOOST_TEST(std::isnan(mcse_sd(chains("apart"))));
  BOOST_TEST(std::isnan(ess_mean(chains("constant"))));
  BOOST_TEST(std::isfinite(rhat(chains("one_chain"))));
}

BOOST_AUTO_TEST_CASE(pareto_k_is_that_of_arviz) {
  const nlohmann::json cases = reference()["weights"];
  for (const auto& [name, row] : cases.items()) {
    const double k = pareto_k(values("weights_" + name), row["efficiency"].get<double>());
    BOOST_TEST(agree(k, number(row["pareto_k"])),
               name << ": " << k << ", ArviZ: " << row["pareto_k"]);
  }
  BOOST_TEST(cases.size() == 7);
}

BOOST_AUTO_TEST_CASE(smoothed_weights_are_those_of_arviz) {
  std::size_t changed = 0;
  const nlohmann::json cases = reference()["weights"];
  for (const auto& [name, row] : cases.items()) {
    const std::vector<double> raw = values("weights_" + name);
    const SmoothedWeights ours = pareto_smoothed(raw, row["efficiency"].get<double>());
    BOOST_TEST(agree(ours.k, number(row["pareto_k"])), name);
    const std::vector<double> now = sorted(ours.log_weights), before = sorted(raw);
    const std::size_t tail = row["smoothed"].size(), body = now.size() - tail;
    for (std::size_t i = 0; i < tail; ++i) {
      const double theirs = number(row["smoothed"][i]);
      BOOST_TEST(std::abs(now[body + i] - theirs) <= 1e-9 * std::max(1.0, std::abs(theirs)),
                 name << " " << i << ": " << now[body + i] << ", ArviZ: " << theirs);
      changed += now[body + i] != before[body + i];
    }
    // The rest stays, and so does the order of all.
    for (std::size_t i = 0; i < body; ++i) BOOST_TEST(now[i] == before[i]);
    for (std::size_t i = 0; i + 1 < raw.size(); ++i) {
      if (raw[i] < raw[i + 1]) BOOST_TEST(ours.log_weights[i] <= ours.log_weights[i + 1]);
    }
  }
  BOOST_TEST(changed > 300);
}
