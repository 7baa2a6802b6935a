#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/autodiff/op_check.hpp"

using namespace eqp::ad;
using namespace eqp::ad::test;

namespace {

// 21 elements: whole SIMD batches and a tail in either precision.
const Shape kAny{3, 7};
const Input kPositive{0.4, 2.5};
const Input kNegative{-2.5, -0.4};

double max_of(double a, double b) { return a > b ? a : b; }
double min_of(double a, double b) { return a < b ? a : b; }
double add_of(double a, double b) { return a + b; }
double subtract_of(double a, double b) { return a - b; }
double multiply_of(double a, double b) { return a * b; }
double divide_of(double a, double b) { return a / b; }
double power_of(double a, double b) { return std::pow(a, b); }

Var add_op(Args x) { return x[0] + x[1]; }
Var subtract_op(Args x) { return x[0] - x[1]; }
Var multiply_op(Args x) { return x[0] * x[1]; }
Var divide_op(Args x) { return x[0] / x[1]; }
Var power_op(Args x) { return pow(x[0], x[1]); }

const std::vector<Case> kTwoValues{
    {"add", {kAny, kAny}, add_op, zip(add_of)},
    {"add column and row", {{5, 1}, {1, 4}}, add_op, zip(add_of)},
    {"add row below", {{3, 5}, {5}}, add_op, zip(add_of)},
    {"add scalar first", {{}, {3, 5}}, add_op, zip(add_of)},
    {"subtract", {kAny, kAny}, subtract_op, zip(subtract_of)},
    {"subtract row first", {{5}, {3, 5}}, subtract_op, zip(subtract_of)},
    {"subtract column and row", {{5, 1}, {1, 4}}, subtract_op, zip(subtract_of)},
    {"multiply", {kAny, kAny}, multiply_op, zip(multiply_of)},
    {"multiply column and row", {{5, 1}, {1, 4}}, multiply_op, zip(multiply_of)},
    {"multiply row first", {{9}, {2, 9}}, multiply_op, zip(multiply_of)},
    {"multiply scalar last", {{3, 5}, {}}, multiply_op, zip(multiply_of)},
    {"multiply scalars", {{}, {}}, multiply_op, zip(multiply_of)},
    {"multiply extents of one", {{1, 1}, {1}}, multiply_op, zip(multiply_of)},
    {"multiply in the middle", {{2, 1, 3}, {4, 1}}, multiply_op, zip(multiply_of)},
    {"multiply rank 4", {{2, 1, 3, 2}, {3, 1, 1}}, multiply_op, zip(multiply_of)},
    {"divide", {kAny, kAny}, divide_op, zip(divide_of), {{}, kPositive}},
    {"divide by negative", {kAny, kAny}, divide_op, zip(divide_of), {{}, kNegative}},
    {"divide column by row", {{5, 1}, {1, 4}}, divide_op, zip(divide_of), {{}, kPositive}},
    {"divide scalar", {{}, {3, 5}}, divide_op, zip(divide_of), {{}, kPositive}},
    {"divide by scalar", {{3, 5}, {}}, divide_op, zip(divide_of), {{}, kPositive}},
    {"power", {kAny, kAny}, power_op, zip(power_of), {kPositive, {}}},
    {"power column by row", {{5, 1}, {1, 4}}, power_op, zip(power_of), {kPositive, {}}},
    {"power of scalar", {{}, {3, 2}}, power_op, zip(power_of), {kPositive, {}}},
    {"minimum", {kAny, kAny}, [](Args x) { return minimum(x[0], x[1]); }, zip(min_of)},
    {"minimum column, row", {{5, 1}, {4}}, [](Args x) { return minimum(x[0], x[1]); }, zip(min_of)},
    {"maximum", {kAny, kAny}, [](Args x) { return maximum(x[0], x[1]); }, zip(max_of)},
    {"maximum with scalar", {kAny, {}}, [](Args x) { return maximum(x[0], x[1]); }, zip(max_of)},
    {"greater",
     {kAny, {7}},
     [](Args x) { return greater(x[0], x[1]) + x[0]; },
     zip([](double a, double b) { return (a > b ? 1 : 0) + a; })},
    {"equal",
     {kAny, {7}},
     [](Args x) { return equal(x[0], x[1]) + x[0]; },
     zip([](double a, double b) { return (a == b ? 1 : 0) + a; })},
    {"where",
     {kAny, {7}},
     [](Args x) { return where(greater(x[0], x[1]), x[0] * x[1], exp(x[1])); },
     zip([](double a, double b) { return a > b ? a * b : std::exp(b); })},
    {"where of scalar sides",
     {kAny, {}},
     [](Args x) {
       return where(greater(x[0], full(*x[0].tape, {3, 1}, 0)), x[1], x[1] * x[1]);
     },
     zip([](double a, double b) { return a > 0 ? b : b * b; })},
    {"where on nonzero conditions",
     {{4}, {4}},
     [](Args x) { return where(x[0], x[1], x[0]); },
     zip([](double, double b) { return b; }),
     {{.exactly = {2, -1, 0.5, 1}}, {}}},
};

const std::vector<Case> kScalars{
    {"negate", {kAny}, [](Args x) { return -x[0]; }, each([](double v) { return -v; })},
    {"x + c", {kAny}, [](Args x) { return x[0] + 0.3; }, each([](double v) { return v + 0.3; })},
    {"c + x", {kAny}, [](Args x) { return 0.3 + x[0]; }, each([](double v) { return 0.3 + v; })},
    {"x - c", {kAny}, [](Args x) { return x[0] - 0.3; }, each([](double v) { return v - 0.3; })},
    {"c - x", {kAny}, [](Args x) { return 0.3 - x[0]; }, each([](double v) { return 0.3 - v; })},
    {"x c", {kAny}, [](Args x) { return x[0] * 0.3; }, each([](double v) { return v * 0.3; })},
    {"c x", {kAny}, [](Args x) { return -0.3 * x[0]; }, each([](double v) { return -0.3 * v; })},
    {"x / c", {kAny}, [](Args x) { return x[0] / 0.3; }, each([](double v) { return v / 0.3; })},
    {"c / x",
     {kAny},
     [](Args x) { return 0.3 / x[0]; },
     each([](double v) { return 0.3 / v; }),
     {kPositive}},
    {"x + 0", {kAny}, [](Args x) { return x[0] + 0.0; }, each([](double v) { return v; })},
    {"1 x", {kAny}, [](Args x) { return 1.0 * x[0]; }, each([](double v) { return v; })},
    {"0 x", {kAny}, [](Args x) { return 0.0 * x[0]; }, each([](double) { return 0.0; })},
    {"x times a full 3",
     {{5}},
     [](Args x) { return x[0] * full(*x[0].tape, {5}, 3); },
     each([](double v) { return 3 * v; })},
    {"a wider full times x",
     {{5}},
     [](Args x) {
       return sum(full(*x[0].tape, {2, 5}, -3) * x[0], 0);
     },
     each([](double v) { return -6 * v; })},
    {"x times wider ones",
     {{5}},
     [](Args x) {
       return sum(x[0] * full(*x[0].tape, {2, 5}, 1), 0);
     },
     each([](double v) { return 2 * v; })},
    {"wider ones times x",
     {{5}},
     [](Args x) {
       return sum(full(*x[0].tape, {2, 5}, 1) * x[0], 0);
     },
     each([](double v) { return 2 * v; })},
    {"x / a full",
     {{5}},
     [](Args x) { return x[0] / full(*x[0].tape, {5}, -4); },
     each([](double v) { return v / -4; })},
    {"square", {kAny}, [](Args x) { return square(x[0]); }, each([](double v) { return v * v; })},
    {"x / x + x - x",
     {kAny},
     [](Args x) { return x[0] / x[0] + x[0] - x[0]; },
     each([](double) { return 1.0; }),
     {kPositive}},
    {"x^0", {kAny}, [](Args x) { return pow(x[0], 0.0); }, each([](double) { return 1.0; })},
    {"x^1", {kAny}, [](Args x) { return pow(x[0], 1.0); }, each([](double v) { return v; })},
    {"x^2", {kAny}, [](Args x) { return pow(x[0], 2.0); }, each([](double v) { return v * v; })},
    {"x^3", {kAny}, [](Args x) { return pow(x[0], 3.0); }, each([](double v) {
       return v * v * v;
     })},
    {"x^4 around 0",
     {{3}},
     [](Args x) { return pow(x[0], 4.0); },
     each([](double v) { return v * v * v * v; }),
     {{.exactly = {0, 1, -1}}}},
    {"x^-3 below 0",
     {kAny},
     [](Args x) { return pow(x[0], -3.0); },
     each([](double v) { return 1 / (v * v * v); }),
     {kNegative}},
    {"x^2.5",
     {kAny},
     [](Args x) { return pow(x[0], 2.5); },
     each([](double v) { return v * v * std::sqrt(v); }),
     {kPositive}},
    {"x^-1.5",
     {kAny},
     [](Args x) { return pow(x[0], -1.5); },
     each([](double v) { return 1 / (v * std::sqrt(v)); }),
     {kPositive}},
    {"negative x to a full 3",
     {kAny},
     [](Args x) { return pow(x[0], full(*x[0].tape, {}, 3)); },
     each([](double v) { return v * v * v; }),
     {kNegative}},
    {"polynomial",
     {kAny},
     [](Args x) {
       return polynomial(x[0], {1, -2, 0.5, 0.3});
     },
     each([](double v) { return 1 - 2 * v + 0.5 * v * v + 0.3 * v * v * v; })},
    {"polynomial of degree 1",
     {kAny},
     [](Args x) {
       return polynomial(x[0], {2, 3});
     },
     each([](double v) { return 2 + 3 * v; })},
    {"constant polynomial", {kAny}, [](Args x) { return polynomial(x[0], {2}); }, each([](double) {
       return 2.0;
     })},
    {"empty polynomial", {kAny}, [](Args x) { return polynomial(x[0], {}); }, each([](double) {
       return 0.0;
     })},
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_op_on_two_values_has_three_derivatives) {
  for (const Case& row : kTwoValues) check(row);
}

BOOST_AUTO_TEST_CASE(every_op_with_a_number_has_three_derivatives) {
  for (const Case& row : kScalars) check(row);
}
