#include "autodiff/ops/math.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <vector>

using eqp::Real;
using namespace eqp::ad;

namespace {

using Limits = std::numeric_limits<Real>;
constexpr bool kSingle = sizeof(Real) == 4;
constexpr Real kInf = Limits::infinity();
constexpr long double kTurn = 2 * std::numbers::pi_v<long double>;

std::vector<Real> even_grid(double low, double high) {
  const int n = 100003;
  std::vector<Real> x;
  for (int i = 0; i < n; ++i) x.push_back(Real(low + (high - low) * i / (n - 1)));
  return x;
}

// Every size a number may have, from below the least subnormal one to above half the largest.
std::vector<Real> sizes(Real sign) {
  std::vector<Real> x;
  const double low = Limits::min_exponent - Limits::digits - 1, high = Limits::max_exponent;
  for (int i = 0; i < 100003; ++i) {
    x.push_back(sign * Real(std::exp2((long double)(low + (high - low) * i / 100003))));
  }
  return x;
}

template <class F>
std::vector<Real> values(F f, const std::vector<Real>& x) {
  std::vector<Real> y(x.size());
  map(std::span<Real>(y), f, x.data());
  return y;
}

// The distance from the exact value, in units in the last place of the latter.
double distance(Real got, long double exact) {
  const Real rounded = Real(exact);
  if (!std::isfinite(rounded) || !std::isfinite(got)) return got == rounded ? 0 : 1e30;
  int exponent;
  std::frexp(exact, &exponent);
  exponent = std::max(exponent, Limits::min_exponent) - Limits::digits;
  return double(std::abs((long double)got - exact) / std::ldexp(1.0L, exponent));
}

template <class F, class G>
void check(const char* name, F f, G exact, double most, const std::vector<Real>& x) {
  const std::vector<Real> y = values(f, x);
  double worst = 0;
  Real at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double e = distance(y[i], exact((long double)x[i]));
    if (e <= worst) continue;
    worst = e;
    at = x[i];
  }
  BOOST_TEST(worst <= most, name << "(" << at << ") is " << worst << " units off");
}

template <class F>
Real value(F f, Real x) {
  return values(f, {x})[0];
}

long double exact_exp(long double x) { return std::exp(x); }
long double exact_log(long double x) { return std::log(x); }
long double exact_tanh(long double x) { return std::tanh(x); }
long double exact_logistic(long double x) { return 1 / (1 + std::exp(-x)); }
long double exact_softplus(long double x) {
  return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x)));
}
// Sine and cosine of 2 pi t, |t| <= 1/2, from arguments of at most an eighth of a turn.
long double exact_sin(long double t);
long double exact_cos(long double t) {
  const long double a = std::abs(t);
  return a > 0.25L ? -exact_cos(0.5L - a) : a > 0.125L ? exact_sin(0.25L - a) : std::cos(kTurn * a);
}
long double exact_sin(long double t) {
  const long double a = std::abs(t);
  return std::copysign(a > 0.25L    ? exact_sin(0.5L - a)
                       : a > 0.125L ? exact_cos(0.25L - a)
                                    : std::sin(kTurn * a),
                       t);
}

// Where exp leaves the normal range.
const double kLeast = kSingle ? -87.3 : -708.3, kMost = kSingle ? 88.7 : 709.7;

}  // namespace

BOOST_AUTO_TEST_CASE(exp_is_right_over_its_whole_range_subnormal_results_included) {
  check("exp", exp_of, exact_exp, 1.25, even_grid(kLeast, kMost));
  check("exp", exp_of, exact_exp, 1.25, even_grid(-1, 1));
  check("exp", exp_of, exact_exp, 1.25, even_grid(kSingle ? -106 : -750, kLeast));
  for (const Real sign : {1, -1}) check("exp", exp_of, exact_exp, 1.25, sizes(sign));
}

BOOST_AUTO_TEST_CASE(exp_overflows_where_it_must_and_no_earlier) {
  const Real last = kSingle ? Real(88.72283172607421875) : Real(709.78271289338397);
  BOOST_TEST(distance(value(exp_of, last), exact_exp(last)) <= 1.25);
  BOOST_TEST(value(exp_of, std::nextafter(last, kInf)) == kInf);
}

BOOST_AUTO_TEST_CASE(log_is_right_over_its_whole_range_subnormal_arguments_included) {
  check("log", log_of, exact_log, 1.25, sizes(1));
  check("log", log_of, exact_log, 1.25, even_grid(0.3, 3));
  BOOST_TEST(distance(value(log_of, Limits::denorm_min()), exact_log(Limits::denorm_min())) <= 1);
  BOOST_TEST(value(log_of, 1) == 0);
}

BOOST_AUTO_TEST_CASE(activations_are_right_near_zero_and_far_away) {
  for (const double width : {1.0, 5.0, 25.0, 85.0}) {
    const std::vector<Real> x = even_grid(-width, width);
    check("logistic", logistic_of, exact_logistic, 2.75, x);
    check("softplus", softplus_of, exact_softplus, 2, x);
    check("tanh", tanh_of, exact_tanh, 2, x);
  }
  for (const Real sign : {1, -1}) {
    check("tanh", tanh_of, exact_tanh, 2, sizes(sign));
    check("softplus", softplus_of, exact_softplus, 2, sizes(sign));
  }
}

BOOST_AUTO_TEST_CASE(sine_and_cosine_of_turns_keep_their_digits_where_they_vanish) {
  const std::vector<Real> t = even_grid(-0.5, 0.5);
  check(
      "cos", [](Batch x) { return cos_sin_turns(x).cos; }, exact_cos, 2.5, t);
  check(
      "sin", [](Batch x) { return cos_sin_turns(x).sin; }, exact_sin, 2.5, t);
}

BOOST_AUTO_TEST_CASE(limits_signs_of_zero_and_nan_are_those_of_ieee) {
  const auto nan = [](Real v) { return std::isnan(v); };
  const Real none = Limits::quiet_NaN();
  for (auto f : {exp_of, log_of, logistic_of, softplus_of, tanh_of}) {
    BOOST_TEST(nan(value(f, none)));
    BOOST_TEST(nan(value(f, -none)));
  }
  BOOST_TEST(value(exp_of, kInf) == kInf);
  BOOST_TEST(value(exp_of, -kInf) == 0);
  BOOST_TEST(value(exp_of, Real(-0.0)) == 1);
  BOOST_TEST(value(log_of, kInf) == kInf);
  BOOST_TEST(value(log_of, 0) == -kInf);
  BOOST_TEST(value(log_of, Real(-0.0)) == -kInf);
  BOOST_TEST(nan(value(log_of, -1)));
  BOOST_TEST(nan(value(log_of, -Limits::denorm_min())));
  BOOST_TEST(nan(value(log_of, -kInf)));
  BOOST_TEST(value(logistic_of, kInf) == 1);
  BOOST_TEST(value(logistic_of, -kInf) == 0);
  BOOST_TEST(value(softplus_of, kInf) == kInf);
  BOOST_TEST(value(softplus_of, -kInf) == 0);
  BOOST_TEST(value(tanh_of, kInf) == 1);
  BOOST_TEST(value(tanh_of, -kInf) == -1);
  BOOST_TEST(std::signbit(value(tanh_of, Real(-0.0))));
  BOOST_TEST(!std::signbit(value(tanh_of, Real(0.0))));
}
