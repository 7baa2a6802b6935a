#include "autodiff/profile.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iomanip>
#include <ostream>
#include <stdexcept>

#include "autodiff/compiled.hpp"

namespace eqp::ad {
namespace {

std::atomic<Profile*> current = nullptr;

std::int64_t nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void add(Profile::Entry& to, const Profile::Entry& entry) {
  to.seconds += entry.seconds;
  to.calls += entry.calls;
  to.flops += entry.flops;
}

void print_row(std::ostream& out, const std::string& name, std::size_t width,
               const Profile::Entry& entry, double total) {
  out << std::left << std::setw(int(width)) << name << std::right << std::fixed
      << std::setprecision(4) << std::setw(10) << entry.seconds << std::setprecision(1)
      << std::setw(7) << (total > 0 ? 100 * entry.seconds / total : 0) << "%"
      << std::setprecision(0) << std::setw(12) << entry.calls;
  if (entry.flops > 0 && entry.seconds > 0) {
    out << std::setprecision(1) << std::setw(10) << entry.flops / entry.seconds * 1e-9;
  }
  out << "\n";
}

void print_table(std::ostream& out, const std::string& title,
                 const std::map<std::string, Profile::Entry>& entries, double total) {
  std::vector<std::pair<std::string, Profile::Entry>> rows(entries.begin(), entries.end());
  std::ranges::stable_sort(
      rows, [](const auto& a, const auto& b) { return a.second.seconds > b.second.seconds; });
  constexpr std::size_t kRows = 25;
  if (rows.size() > kRows) {
    Profile::Entry rest;
    for (std::size_t i = kRows; i < rows.size(); ++i) add(rest, rows[i].second);
    const std::string more = std::to_string(rows.size() - kRows) + " more";
    rows.resize(kRows);
    rows.emplace_back(more, rest);
  }
  std::size_t width = title.size();
  for (const auto& [name, entry] : rows) width = std::max(width, name.size());
  out << std::left << std::setw(int(width)) << title << std::right
      << "   seconds   share       calls   GFLOP/s\n";
  for (const auto& [name, entry] : rows) print_row(out, name, width, entry, total);
}

}  // namespace

std::uint64_t ticks() {
#ifdef __x86_64__
  return __builtin_ia32_rdtsc();
#else
  return std::uint64_t(nanoseconds());
#endif
}

StepTimes::StepTimes(Profile& p, std::shared_ptr<const Compiled> c)
    : profile(p), program(std::move(c)), ticks(program->plan.steps.size(), 0) {
  const std::scoped_lock lock(profile.mutex_);
  profile.live_.push_back(this);
}

StepTimes::~StepTimes() {
  const std::scoped_lock lock(profile.mutex_);
  profile.add(*this, profile.gone_);
  std::erase(profile.live_, this);
}

Profile::Profile() : first_tick_(ad::ticks()), first_nanosecond_(nanoseconds()) {
  Profile* none = nullptr;
  if (!current.compare_exchange_strong(none, this)) {
    throw std::logic_error("Profile: another one is on; need one at a time");
  }
}

Profile::~Profile() { current = nullptr; }

std::unique_ptr<StepTimes> Profile::times(const std::shared_ptr<const Compiled>& program) {
  Profile* profile = current;
  return profile ? std::make_unique<StepTimes>(*profile, program) : nullptr;
}

void Profile::add(const StepTimes& times, Summary& to) const {
  const Plan& plan = times.program->plan;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    const Entry entry{.seconds = double(times.ticks[i]),
                      .calls = double(times.runs),
                      .flops = flops(plan, step) * double(times.runs)};
    ad::add(to.ops[step.op->name], entry);
    ad::add(to.layers[step.scope.empty() ? "(no layer)" : step.scope], entry);
    to.seconds += entry.seconds;
  }
  const Entry hoisted{.seconds = double(times.hoisted), .calls = double(times.updates)};
  if (!plan.hoisted.empty()) {
    ad::add(to.ops["(once per update)"], hoisted);
    ad::add(to.layers["(once per update)"], hoisted);
    to.seconds += hoisted.seconds;
  }
}

Profile::Summary Profile::summary() const {
  const std::scoped_lock lock(mutex_);
  Summary s = gone_;
  for (const StepTimes* times : live_) add(*times, s);
  s.elapsed = double(nanoseconds() - first_nanosecond_) * 1e-9;
  const double second = s.elapsed / double(ad::ticks() - first_tick_);
  for (auto* entries : {&s.ops, &s.layers}) {
    for (auto& [name, entry] : *entries) entry.seconds *= second;
  }
  s.seconds *= second;
  return s;
}

void Profile::print(std::ostream& out) const {
  const Summary s = summary();
  const auto flags = out.flags();
  const auto precision = out.precision();
  out << std::fixed << std::setprecision(2) << "programs took " << s.seconds
      << " s over all threads in " << s.elapsed << " s\n\n";
  print_table(out, "op", s.ops, s.seconds);
  out << "\n";
  print_table(out, "layer", s.layers, s.seconds);
  out.flags(flags);
  out.precision(precision);
}

}  // namespace eqp::ad
