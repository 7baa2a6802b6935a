#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "tests/autodiff/op_check.hpp"

using namespace eqp::ad;
using namespace eqp::ad::test;

namespace {

// 21 elements: whole SIMD batches and a tail in either precision.
const Shape kAny{3, 7};
const Input kPositive{0.4, 2.5};
const Input kWide{-6, 6};

double sigmoid_of(double v) { return 1 / (1 + std::exp(-v)); }
double phi_of(double v) { return 0.5 * std::erfc(-v / std::numbers::sqrt2); }

const Input kTails{.exactly = {0, -0.0, 1e-4, -1e-4, 1, -1, 9, -9, 25, -25, 60, -60}};

const std::vector<Case> kFunctions{
    {"exp", {kAny}, [](Args x) { return exp(x[0]); }, each([](double v) { return std::exp(v); })},
    {"exp of a scalar", {{}}, [](Args x) { return exp(x[0]); }, each([](double v) {
       return std::exp(v);
     })},
    {"expm1", {kAny}, [](Args x) { return expm1(x[0]); }, each([](double v) {
       return std::expm1(v);
     })},
    {"log",
     {kAny},
     [](Args x) { return log(x[0]); },
     each([](double v) { return std::log(v); }),
     {kPositive}},
    {"log1p",
     {kAny},
     [](Args x) { return log1p(x[0]); },
     each([](double v) { return std::log1p(v); }),
     {{-0.6, 3}}},
    {"sqrt",
     {kAny},
     [](Args x) { return sqrt(x[0]); },
     each([](double v) { return std::sqrt(v); }),
     {kPositive}},
    {"sin",
     {kAny},
     [](Args x) { return sin(x[0]); },
     each([](double v) { return std::sin(v); }),
     {kWide}},
    {"cos",
     {kAny},
     [](Args x) { return cos(x[0]); },
     each([](double v) { return std::cos(v); }),
     {kWide}},
    {"erf", {kAny}, [](Args x) { return erf(x[0]); }, each([](double v) { return std::erf(v); })},
    {"erf in the tails",
     {{12}},
     [](Args x) { return erf(x[0]); },
     each([](double v) { return std::erf(v); }),
     {kTails}},
    {"tanh", {kAny}, [](Args x) { return tanh(x[0]); }, each([](double v) {
       return std::tanh(v);
     })},
    {"tanh in the tails",
     {{12}},
     [](Args x) { return tanh(x[0]); },
     each([](double v) { return std::tanh(v); }),
     {kTails}},
    {"sigmoid", {kAny}, [](Args x) { return sigmoid(x[0]); }, each(sigmoid_of), {kWide}},
    {"sigmoid in the tails",
     {{12}},
     [](Args x) { return sigmoid(x[0]); },
     each(sigmoid_of),
     {kTails}},
    {"softplus",
     {kAny},
     [](Args x) { return softplus(x[0]); },
     each([](double v) { return std::log1p(std::exp(v)); }),
     {kWide}},
    {"softplus in the tails",
     {{12}},
     [](Args x) { return softplus(x[0]); },
     each([](double v) { return std::log1p(std::exp(v)); }),
     {kTails}},
    {"silu",
     {kAny},
     [](Args x) { return silu(x[0]); },
     each([](double v) { return v * sigmoid_of(v); }),
     {kWide}},
    {"silu in the tails",
     {{12}},
     [](Args x) { return silu(x[0]); },
     each([](double v) { return v * sigmoid_of(v); }),
     {kTails}},
    {"gelu", {kAny}, [](Args x) { return gelu(x[0]); }, each([](double v) {
       return v * phi_of(v);
     })},
    {"gelu in the tails",
     {{12}},
     [](Args x) { return gelu(x[0]); },
     each([](double v) { return v * phi_of(v); }),
     {kTails}},
    {"relu", {kAny}, [](Args x) { return relu(x[0]); }, each([](double v) {
       return v > 0 ? v : 0;
     })},
    {"leaky_relu", {kAny}, [](Args x) { return leaky_relu(x[0]); }, each([](double v) {
       return v > 0 ? v : 0.01 * v;
     })},
    {"leaky_relu of slope 0.2",
     {kAny},
     [](Args x) { return leaky_relu(x[0], 0.2); },
     each([](double v) { return v > 0 ? v : 0.2 * v; })},
    {"abs", {kAny}, [](Args x) { return abs(x[0]); }, each([](double v) { return std::abs(v); })},
    {"sign", {kAny}, [](Args x) { return sign(x[0]); }, each([](double v) {
       return v > 0 ? 1.0 : -1.0;
     })},
    {"round", {kAny}, [](Args x) { return round(x[0]); }, each([](double v) {
       return std::nearbyint(v);
     })},
    {"clamp", {kAny}, [](Args x) { return clamp(x[0], -0.5, 0.75); }, each([](double v) {
       return v < -0.5 ? -0.5 : v > 0.75 ? 0.75 : v;
     })},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_function_of_one_value_has_three_derivatives) {
  for (const Case& row : kFunctions) check(row);
}
