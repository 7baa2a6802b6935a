#include "train/balance.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>
#include <stdexcept>

namespace eqp::train {
namespace {

constexpr double kPlenty = 2;  // times what is needed

}  // namespace

Balance::Balance(const BalanceOptions& o, std::uint32_t flow_updates, std::size_t particles)
    : options_(o), usual_flow_updates_(flow_updates), flow_updates_(flow_updates) {
  const bool good = o.least_moves > 0 && o.least_moves < 0.5 && o.least_ess >= 1 &&
                    o.most_flow_updates > 0 && o.least_pace > 0 && o.least_pace <= 1 && o.every > 0;
  const double n = double(particles);
  const bool can_relax = kPlenty * o.least_moves < 1 - 1 / n && kPlenty * o.least_ess < n;
  if (good && (can_relax || !o.on)) return;
  std::ostringstream text;
  text << "balance: least_moves " << o.least_moves << ", least_ess " << o.least_ess
       << ", most_flow_updates " << o.most_flow_updates << ", least_pace " << o.least_pace
       << ", every " << o.every << ", " << particles
       << " particles; need shares between 0 and 1, an ESS and counts of at least 1, and twice the "
          "least moves and ESS within what so many particles reach";
  throw std::invalid_argument(text.str());
}

std::string Balance::watch(double global_moves, double weight_ess) {
  if (!options_.on || std::isnan(global_moves) || std::isnan(weight_ess)) return {};
  moves_ += global_moves;
  ess_ += weight_ess;
  if (++seen_ < options_.every) return {};
  const double moves = moves_ / seen_, ess = ess_ / seen_;
  moves_ = ess_ = 0;
  seen_ = 0;

  const double pace = pace_;
  const std::uint32_t updates = flow_updates_;
  const double slack = std::min(moves / options_.least_moves, ess / options_.least_ess);
  if (slack < 1) catch_up();
  if (slack > kPlenty) relax();
  if (pace == pace_ && updates == flow_updates_) return {};
  std::ostringstream text;
  text << std::setprecision(3) << "i-SIR moves " << moves << " of its steps with weights worth "
       << ess << " particles: " << flow_updates_ << " flow updates per update from here on, "
       << "the energy at " << pace_ << " of its learning rate";
  return text.str();
}

void Balance::catch_up() {
  if (usual_flow_updates_ > 0 && flow_updates_ < options_.most_flow_updates) {
    ++flow_updates_;
  } else {
    pace_ = std::max(options_.least_pace, pace_ / 2);
  }
}

void Balance::relax() {
  if (pace_ < 1) {
    pace_ = std::min(1.0, 2 * pace_);
  } else if (flow_updates_ > usual_flow_updates_) {
    --flow_updates_;
  }
}

}  // namespace eqp::train
