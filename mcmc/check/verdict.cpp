#include "mcmc/check/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "mcmc/check/statistics.hpp"

namespace eqp::mcmc {
namespace {

std::string word(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed:
      return "passed";
    case Outcome::failed:
      return "FAILED";
    default:
      return "-";
  }
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

}  // namespace

Check not_applicable(const std::string& name, const std::string& reason) {
  return {.name = name, .outcome = Outcome::not_applicable, .sentence = reason};
}

Check stopped(const std::string& name, const std::string& error) {
  return {.name = name,
          .outcome = Outcome::failed,
          .statistic = std::numeric_limits<double>::infinity(),
          .sentence = "It stopped: " + error};
}

bool Verdict::passed() const {
  return std::ranges::none_of(checks, [](const Check& c) { return c.outcome == Outcome::failed; });
}

const Check& Verdict::operator[](const std::string& name) const {
  std::string names;
  for (const Check& c : checks) {
    if (c.name == name) return c;
    names += " " + c.name;
  }
  throw std::invalid_argument("Verdict: no check " + name + "; there are:" + names);
}

std::string str(const Verdict& verdict) {
  std::size_t width = 0, failed = 0, ran = 0;
  for (const Check& c : verdict.checks) {
    width = std::max(width, c.name.size());
    failed += c.outcome == Outcome::failed;
    ran += c.outcome != Outcome::not_applicable;
  }
  std::string text;
  for (const Check& c : verdict.checks) {
    std::string numbers;
    if (c.outcome != Outcome::not_applicable) {
      numbers = shown(c.statistic) + " (threshold " + shown(c.threshold) + ")";
    }
    text += padded(word(c.outcome), 6) + "  " + padded(c.name, width) + "  " + padded(numbers, 24) +
            "  " + c.sentence + "\n";
  }
  text += failed ? "FAILED: " + std::to_string(failed) + " of " + std::to_string(ran) + " checks.\n"
                 : "passed: all " + std::to_string(ran) + " checks.\n";
  return text;
}

void Tests::add(const std::string& what, double z) {
  const double size = std::isnan(z) ? std::numeric_limits<double>::infinity() : std::abs(z);
  if (size_ == 0 || size > statistic_) {
    worst_ = what;
    statistic_ = size;
  }
  ++size_;
}

double Tests::threshold(double false_alarm) const {
  return z_of_log_p(std::log(false_alarm / double(std::max<std::size_t>(size_, 1))));
}

Check Tests::check(const std::string& name, double false_alarm) const {
  if (!(false_alarm > 0 && false_alarm < 1)) {
    throw std::invalid_argument(name + ": false_alarm " + std::to_string(false_alarm) +
                                "; need a probability between 0 and 1");
  }
  const double limit = threshold(false_alarm);
  return {.name = name,
          .outcome = statistic_ <= limit ? Outcome::passed : Outcome::failed,
          .statistic = statistic_,
          .threshold = limit};
}

std::string shown(double value) {
  std::ostringstream text;
  text.precision(3);
  text << value;
  return text.str();
}

}  // namespace eqp::mcmc
