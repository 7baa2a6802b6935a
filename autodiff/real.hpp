#pragma once

// The one precision of a build: the libraries are compiled once with AD_REAL=float and once with
// AD_REAL=double; an executable links one of the two. Log-weights, log-acceptances, sums and
// diagnostics are `double` in both.
namespace eqp {

using Real = AD_REAL;

}  // namespace eqp
