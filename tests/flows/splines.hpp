#pragma once

#include <boost/test/unit_test.hpp>
#include <vector>

#include "autodiff/program.hpp"
#include "autodiff/random.hpp"
#include "flows/spline.hpp"

// The splines that are tested, and where.
namespace eqp::flows::test {

inline constexpr bool kDouble = sizeof(Real) == 8;

struct Setting {
  const char* name;
  SplineOptions options;
};
inline const std::vector<Setting> kSettings{
    {"linear tails", {}},
    {"few bins", {.bins = 2, .bound = 1.5}},
    {"many bins",
     {.bins = 20, .bound = 3, .min_width = 0.01, .min_height = 0.02, .min_slope = 0.1}},
    {"circle", {.bins = 6, .bound = 3.14159265, .tails = Tails::circular}},
};

/// Coordinates within and beyond the interval (within only, on a circle), and their parameters.
struct Inputs {
  ad::Tensor x, raw;

  Inputs(const SplineOptions& o, const Monotone& map, std::size_t m)
      : x({m}), raw(ad::normal({map.n_params(), m}, {2, 0})) {
    const double reach = o.tails == Tails::circular ? 1 : 1.4;
    const ad::Tensor u = ad::uniform({m}, {1, 0});
    for (std::size_t i = 0; i < m; ++i) x[i] = Real(o.bound * reach * (2 * double(u[i]) - 1));
  }

  std::vector<double> column(std::size_t i) const {
    std::vector<double> values;
    for (std::size_t p = 0; p < raw.rows(); ++p) values.push_back(double(raw(p, i)));
    return values;
  }
};

using Direction = Monotone::Value (Monotone::*)(ad::Var, ad::Var) const;

template <class Check>
void for_each_setting(Check check) {
  for (const Setting& s : kSettings) {
    BOOST_TEST_CONTEXT(s.name) { check(s.options, *flows::rational_quadratic(s.options)); }
  }
}

}  // namespace eqp::flows::test
