#include "train/roll_back.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace eqp::train {

RollBack::RollBack(const RollBackOptions& options) : options_(options) {
  const bool good = options.every > 0 && options.slow_down > 0 && options.slow_down < 1 &&
                    options.largest_loss > 0;
  if (good) return;
  std::ostringstream text;
  text << "roll-back: a state every " << options.every << " steps, slow_down " << options.slow_down
       << ", largest_loss " << options.largest_loss
       << "; need at least 1, a number between 0 and 1, and a positive one";
  throw std::invalid_argument(text.str());
}

void RollBack::offer(std::uint32_t t, const ad::State& state) {
  const bool here_already = !kept_[1].bytes.empty() && kept_[1].step == t;
  if (!is_on() || t % options_.every != 0 || here_already) return;
  ad::Archive a;
  state(a);
  kept_[0] = std::move(kept_[1]);
  kept_[1] = {t, a.bytes()};
}

void RollBack::check(double loss) const {
  if (std::abs(loss) <= options_.largest_loss) return;
  std::ostringstream text;
  text << "a loss of " << loss << ", beyond " << options_.largest_loss;
  throw std::runtime_error(text.str());
}

std::string RollBack::go_back(const std::string& error, const ad::State& state) {
  if (retries_ == options_.retries) {
    if (retries_ == 0) throw std::runtime_error(error);
    throw std::runtime_error(error + ", after " + std::to_string(retries_) +
                             (retries_ == 1 ? " retry" : " retries"));
  }
  const Kept good = kept_[0].bytes.empty() ? kept_[1] : kept_[0];
  for (const auto pass : {ad::Archive::Pass::look, ad::Archive::Pass::read}) {
    ad::Archive a(good.bytes, pass);
    state(a);
  }
  kept_ = {Kept{}, good};
  ++retries_;
  pace_ *= options_.slow_down;
  std::ostringstream text;
  text << error << "; back at step " << good.step << " with " << pace_
       << " of the learning rates, retry " << retries_ << " of " << options_.retries;
  return text.str();
}

void RollBack::archive(ad::Archive& a) {
  a("older", kept_[0]);
  a("newer", kept_[1]);
  a("retries", retries_);
  a("pace", pace_);
}

}  // namespace eqp::train
