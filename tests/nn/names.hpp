#pragma once

#include <string>
#include <vector>

#include "autodiff/params.hpp"

namespace eqp::nn::test {

/// "<name> <shape>" of every parameter, in order.
inline std::vector<std::string> names(const ad::Params& params) {
  std::vector<std::string> list;
  for (const auto& e : params.entries()) list.push_back(e.name + " " + str(e.shape));
  return list;
}

}  // namespace eqp::nn::test
