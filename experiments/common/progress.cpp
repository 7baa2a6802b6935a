#include "experiments/common/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "experiments/common/table.hpp"

namespace eqp {
namespace {

constexpr std::chrono::milliseconds kLive{100}, kLines{5000};
constexpr const char* kDot = " \u00b7 ";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// "0:41", "1:02:03".
std::string clock_text(double seconds) {
  const long s = std::lround(seconds);
  char buffer[32];
  if (s < 3600)
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld", s / 60, s % 60);
  else
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  return buffer;
}

/// Text cut to the width of the terminal: a line that wraps could not be drawn over.
std::string cut(const std::string& text) {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return text;
  std::size_t columns = 0, end = 0;
  while (end < text.size() && columns + 1 < size.ws_col) {
    do ++end;
    while (end < text.size() && (text[end] & 0xc0) == 0x80);
    ++columns;
  }
  return text.substr(0, end);
}

}  // namespace

Progress::Training::Training(Progress& progress, std::string label, std::size_t steps)
    : progress_(progress), label_(std::move(label)), steps_(std::max<std::size_t>(steps, 1)) {
  const std::lock_guard lock(progress_.mutex_);
  progress_.running_.push_back(this);
}

Progress::Training::~Training() {
  const std::lock_guard lock(progress_.mutex_);
  progress_.running_.remove(this);
  ++progress_.finished_;
  if (progress_.running_.empty()) progress_.clear();
}

void Progress::Training::update(const State& state) {
  const std::lock_guard lock(progress_.mutex_);
  state_ = state;
  progress_.draw();
}

Progress::Progress(const Options& options) : options_(options), live_(isatty(STDERR_FILENO) == 1) {}

std::string Progress::line() const {
  const std::lock_guard lock(mutex_);
  return locked_line();
}

std::string Progress::locked_line() const {
  double done = static_cast<double>(finished_);
  for (const Training* training : running_)
    done += static_cast<double>(training->state_.step) / static_cast<double>(training->steps_);
  std::string text =
      std::to_string(finished_) + "/" + std::to_string(options_.total) + " trainings";
  if (!running_.empty()) {
    const Training& shown_one = *running_.front();
    const auto step = static_cast<double>(shown_one.state_.step);
    const double rate = step / std::max(1e-9, seconds_since(shown_one.start_));
    text += kDot + shown_one.label_ + " " +
            std::to_string(std::lround(100.0 * step / static_cast<double>(shown_one.steps_))) +
            " %";
    if (step > 0) text += kDot + shown(rate) + " steps/s";
    const auto known = [](const std::optional<double>& v) { return v && std::isfinite(*v); };
    if (known(shown_one.state_.loss)) text += kDot + ("loss " + shown(*shown_one.state_.loss));
    if (known(shown_one.state_.acceptance))
      text += kDot + ("acceptance " + shown(*shown_one.state_.acceptance));
  }
  const double left = static_cast<double>(options_.total) - done;
  if (done > 0.0 && left > 0.0)
    text += kDot + clock_text(seconds_since(start_) / done * left) + " left";
  return text;
}

// Between trainings others may print.
void Progress::clear() {
  if (live_ && !options_.quiet) std::fputs("\r\033[K", stderr);
}

void Progress::draw() {
  if (options_.quiet || Clock::now() - drawn_ < (live_ ? kLive : kLines)) return;
  drawn_ = Clock::now();
  const std::string text = locked_line();
  std::fputs(live_ ? ("\r\033[K" + cut(text)).c_str() : (text + "\n").c_str(), stderr);
}

}  // namespace eqp
