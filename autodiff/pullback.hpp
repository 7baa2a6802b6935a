#pragma once

#include <string>

#include "autodiff/tape.hpp"

// The reverse sweep, and what the forward one shares with it.
namespace eqp::ad {

/// Throws std::logic_error unless all are on one tape, which it returns.
Tape& one_tape(const char* who, std::initializer_list<Var> vars);

/// Cotangents of xs for the cotangents us of ys, an empty Var where no y depends on an x. Throws
/// std::logic_error when they are not all on one tape.
Vars pullback(const Vars& ys, const Vars& us, const Vars& xs);

/// Which of the nodes first, first + 1, ... last depend on one of xs through derivatives.
std::vector<bool> dependents(const Tape& tape, const Vars& xs, std::uint32_t first,
                             std::uint32_t last);

/// a + b, either of which may be empty. Equal ones are seen at once: the derivative of a square is
/// linear.
Var plus(Var a, Var b);

/// The name of the layer a derivative of the node is recorded under.
std::string derivative_name(const Tape& tape, std::uint32_t id, const std::string& prefix);

}  // namespace eqp::ad
