#include "train/checks.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace eqp::train {
namespace {

template <class T>
void need(bool met, const std::string& name, T value, const char* what) {
  if (met) return;
  std::ostringstream text;
  text << name << " " << value << "; need " << what;
  throw std::invalid_argument(text.str());
}

}  // namespace

// As Real has them: a share that rounds to 1 leaves 0 for the rest, an epsilon that rounds to 0 is
// none.
void need_share(const std::string& name, double value) {
  need(value >= 0 && Real(value) < 1, name, value, "at least 0 and less than 1");
}

void need_above_0(const std::string& name, double value) {
  need(Real(value) > 0 && std::isfinite(value), name, value, "a finite number above 0");
}

void need_at_least_0(const std::string& name, double value) {
  need(value >= 0 && std::isfinite(value), name, value, "a finite number of at least 0");
}

void need_at_least_1(const std::string& name, std::size_t count) {
  need(count >= 1, name, count, "at least 1");
}

}  // namespace eqp::train
