#pragma once

#include <functional>

#include "autodiff/tape.hpp"

namespace eqp::ad {

/// f(x) whose derivatives compute it again from x where they need what is inside, instead of
/// keeping that alive (Griewank & Walther 2000): a chain of n maps in segments of sqrt(n) needs
/// memory of order sqrt(n), at the price of one more forward run per order of derivative. Values
/// that f captures count as inputs; of those made inside only what f returns has derivatives.
Var checkpoint(const std::function<Var(Var)>& f, Var x);
/// The same of several values.
Vars checkpoint(const std::function<Vars(const Vars&)>& f, const Vars& xs);

}  // namespace eqp::ad
