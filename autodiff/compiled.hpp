#pragma once

#include <memory>

#include "autodiff/hoisted.hpp"

namespace eqp::ad {

/// What a Program and its workspaces hold in common.
struct Compiled {
  explicit Compiled(Plan p) : plan(std::move(p)), hoisted(std::make_unique<Hoisted>(plan)) {}

  const Plan plan;
  const std::unique_ptr<Hoisted> hoisted;
};

}  // namespace eqp::ad
