#pragma once

#include <stdexcept>
#include <string>

namespace eqp::flows {

/// Columns of the context that those of `parts` (pointers to maps) depend on which depend on any;
/// 0: none does. Throws std::invalid_argument naming `who` and the first part that differs.
template <class Parts>
std::size_t common_context_dim(const std::string& who, const Parts& parts) {
  std::size_t common = 0;
  for (const auto& part : parts) {
    const std::size_t its = part->context_dim();
    if (its == 0 || its == common) continue;
    if (common != 0) {
      throw std::invalid_argument(who + ": \"" + part->name() + "\" takes a context of " +
                                  std::to_string(its) + "; those before it of " +
                                  std::to_string(common));
    }
    common = its;
  }
  return common;
}

}  // namespace eqp::flows
