#include "nn/made.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <stdexcept>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"

using namespace eqp;
using nn::Made;

namespace {

struct Setting {
  std::size_t dim, n_params;
  std::vector<std::size_t> hidden;
  std::size_t context;
};

const std::vector<Setting> kSettings{
    {1, 2, {4}, 0}, {1, 3, {5}, 2},       {4, 2, {7, 9}, 0}, {5, 3, {}, 0},
    {3, 1, {}, 1},  {6, 2, {4, 3, 8}, 0}, {4, 2, {3, 6}, 2},
};

struct Net {
  explicit Net(const Setting& s)
      : made(params, "net", s.dim, s.n_params,
             {.hidden = s.hidden,
              .activation = ad::tanh,
              .context_dim = s.context,
              .last = nn::torch_linear()},
             {1, 0}) {}
  ad::Params params;
  Made made;
};

constexpr std::size_t kRows = 5;

// Values of f(x, context), with a context where there is one.
template <class F>
std::vector<ad::Tensor> evaluate(const Setting& s, F f) {
  std::vector<ad::Tensor> in{ad::normal({kRows, s.dim}, {2, 0})};
  if (s.context > 0) in.push_back(ad::normal({kRows, s.context}, {3, 0}));
  return ad::evaluate(
      [&](std::span<const ad::Var> v) { return f(v[0], v.size() > 1 ? v[1] : ad::Var{}); }, in);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(made)

BOOST_AUTO_TEST_CASE(outputs_of_a_coordinate_depend_on_those_before_it_and_on_the_context) {
  for (const Setting& s : kSettings) {
    const Net net(s);
    for (std::size_t row = 0; row < s.n_params * s.dim; ++row) {
      const std::size_t j = row % s.dim;
      const auto g = evaluate(s, [&](ad::Var x, ad::Var context) {
        const ad::Var y = slice(net.made(x, context), 0, row, row + 1);
        ad::Vars out{ad::grad(sum(y), x)};
        if (context) out.push_back(ad::grad(sum(y), context));
        return out;
      });
      // Layers too narrow for all degrees leave out some coordinates, never let in a later one.
      for (std::size_t i = 0; i < kRows; ++i) {
        for (std::size_t k = j; k < s.dim; ++k) BOOST_TEST(g[0](i, k) == 0);
        if (s.context > 0) BOOST_TEST(g[1](i, 0) != 0);
      }
      const bool wide = s.hidden.empty() || s.hidden[0] >= s.dim;
      if (wide && j > 0) BOOST_TEST(g[0](0, 0) != 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sweep_gives_what_a_pass_does) {
  for (const Setting& s : kSettings) {
    const Net net(s);
    const auto out = evaluate(s, [&](ad::Var x, ad::Var context) {
      Made::Sweep sweep(net.made, *x.tape, kRows, context);
      ad::Vars rows(s.n_params * s.dim);
      for (std::size_t j = 0; j < s.dim; ++j) {
        const ad::Var outputs = sweep.outputs();
        for (std::size_t p = 0; p < s.n_params; ++p) {
          rows[p * s.dim + j] = slice(outputs, 0, p, p + 1);
        }
        sweep.set(reshape(slice(x, 1, j, j + 1), {kRows}));
      }
      return ad::Vars{concat(rows, 0), net.made(x, context)};
    });
    for (std::size_t i = 0; i < out[0].size(); ++i) {
      BOOST_TEST(std::abs(double(out[0][i] - out[1][i])) < (sizeof(Real) == 8 ? 1e-14 : 2e-6));
    }
  }
}

BOOST_AUTO_TEST_CASE(misuse_is_refused) {
  ad::Params params;
  BOOST_CHECK_THROW(Made(params, "a", 0, 1, {}, {}), std::invalid_argument);
  BOOST_CHECK_THROW(Made(params, "b", 2, 0, {}, {}), std::invalid_argument);
  const Net net({2, 1, {3}, 0});
  ad::Tape tape;
  Made::Sweep sweep(net.made, tape, kRows, {});
  const ad::Var x = tape.input({kRows});
  sweep.set(x);
  sweep.set(x);
  BOOST_CHECK_THROW(sweep.set(x), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
