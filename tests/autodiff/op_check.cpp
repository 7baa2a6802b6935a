#include "tests/autodiff/op_check.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/grad.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

namespace eqp::ad::test {
namespace {

constexpr bool kDouble = sizeof(Real) == 8;

// A few roundings of a value of order one.
constexpr double kValueTolerance = kDouble ? 1e-13 : 1e-5;
// The step balances truncation h^2 against rounding eps / h, both then about eps^(2/3) = 4e-11
// times higher derivatives; a wrong rule is wrong by order one. In f32 the gradient itself rounds.
const double kStep = std::cbrt(2.2e-16);
constexpr double kDerivativeTolerance = kDouble ? 1e-6 : 2e-4;

std::size_t offset(const Shape& shape, const Index& index) {
  std::size_t at = 0;
  for (std::size_t k = 0; k < shape.rank(); ++k) at = at * shape[k] + index[k];
  return at;
}

std::vector<Tensor> draw_inputs(const Case& row) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < row.shapes.size(); ++i) {
    const Input in = i < row.inputs.size() ? row.inputs[i] : Input{};
    Tensor t(row.shapes[i]);
    Draws draws({11, std::uint32_t(i)});
    for (std::size_t k = 0; k < t.size(); ++k) {
      const double drawn = in.low + (in.high - in.low) * draws.uniform();
      t[k] = Real(in.exactly.empty() ? drawn : in.exactly[k % in.exactly.size()]);
    }
    inputs.push_back(std::move(t));
  }
  return inputs;
}

Tensor weights(const Shape& shape, std::uint32_t stream) {
  Tensor t(shape);
  Draws draws({12, stream});
  for (Real& w : t.flat()) w = Real(draws.normal());
  return t;
}

// What is differentiated: s = sum(w f) + sum(u sin f). The sine makes linear ops curved, so that
// the rules of their derivatives' ops are reached too.
double contracted(const Array& f) {
  const Tensor w = weights(f.shape, 0), u = weights(f.shape, 1);
  double s = 0;
  for (std::size_t i = 0; i < f.values.size(); ++i) {
    s += w[i] * f.values[i] + u[i] * std::sin(f.values[i]);
  }
  return s;
}

// order 0: s; order k: the derivatives of order k - 1 by every input, contracted with fixed
// weights.
Var contracted(const Case& row, Args x, std::uint32_t order) {
  const Var f = row.f(x);
  Tape& tape = *f.tape;
  Var s = sum(f * tape.constant(weights(f.shape(), 0))) +
          sum(sin(f) * tape.constant(weights(f.shape(), 1)));
  for (std::uint32_t k = 1; k <= order; ++k) {
    const Vars g = grad(s, Vars(x.begin(), x.end()));
    s = full(tape, {}, 0);
    for (std::uint32_t i = 0; i < g.size(); ++i) {
      s = s + sum(g[i] * tape.constant(weights(g[i].shape(), 10 * k + i)));
    }
  }
  return s;
}

// Sanitizers look at memory, not at values, and take ten times as long for them.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kComponents = 8;
#else
constexpr std::size_t kComponents = 50;
#endif

// Directions to differentiate along: each component of a small argument, else some of them and
// some of all components at once.
std::vector<std::vector<double>> directions(std::size_t n) {
  const bool small = n <= 50;
  std::vector<std::vector<double>> result;
  Draws draws({13, std::uint32_t(n)});
  for (std::size_t j = 0; j < (small ? n : kComponents); ++j) {
    result.emplace_back(n, 0.0)[small ? j : draws.below(n)] = 1;
  }
  for (int k = 0; !small && k < 4; ++k) {
    for (double& u : result.emplace_back(n)) u = draws.uniform() - 0.5;
  }
  return result;
}

Arrays to_arrays(const std::vector<Tensor>& inputs) {
  Arrays arrays;
  for (const Tensor& t : inputs) {
    arrays.push_back({t.shape(), {t.flat().begin(), t.flat().end()}});
  }
  return arrays;
}

// Compares gradients with central differences of s along directions of the inputs.
void check_gradient(const std::vector<Tensor>& gradients, const std::vector<Tensor>& inputs,
                    const std::function<double(const Arrays&)>& s) {
  Arrays at = to_arrays(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<double> middle = at[i].values;
    for (const std::vector<double>& u : directions(inputs[i].size())) {
      double expected = 0, exact = 0;
      for (const double sign : {1.0, -1.0}) {
        for (std::size_t j = 0; j < u.size(); ++j) {
          at[i].values[j] = middle[j] + sign * kStep * u[j];
        }
        expected += sign * s(at) / (2 * kStep);
      }
      at[i].values = middle;
      for (std::size_t j = 0; j < u.size(); ++j) exact += u[j] * gradients[i][j];
      const double error = std::abs(exact - expected) / std::max(1.0, std::abs(expected));
      if (error <= kDerivativeTolerance) continue;
      const std::size_t j = std::size_t(std::ranges::find(u, 1.0) - u.begin());
      BOOST_ERROR("input " << i << (j < u.size() ? " element " + std::to_string(j) : "")
                           << ": recorded derivative " << exact << ", by differences " << expected);
      return;
    }
  }
}

}  // namespace

double Array::operator()(std::size_t i, std::size_t j, std::size_t k, std::size_t l) const {
  return values[offset(shape, {i, j, k, l})];
}

Array build(const Shape& shape, const std::function<double(const Index&)>& f) {
  Array a{shape, std::vector<double>(shape.size())};
  for (std::size_t flat = 0; flat < a.values.size(); ++flat) {
    Index index{};
    std::size_t rest = flat;
    for (std::size_t k = shape.rank(); k-- > 0; rest /= shape[k]) index[k] = rest % shape[k];
    a.values[flat] = f(index);
  }
  return a;
}

Naive each(double (*f)(double)) {
  return [f](const Arrays& x) {
    Array y = x[0];
    for (double& v : y.values) v = f(v);
    return y;
  };
}

Naive zip(double (*f)(double, double)) {
  return [f](const Arrays& x) {
    std::vector<std::size_t> extents(std::max(x[0].shape.rank(), x[1].shape.rank()), 1);
    for (const Array& a : x) {
      const std::size_t lead = extents.size() - a.shape.rank();
      for (std::size_t k = 0; k < a.shape.rank(); ++k) {
        if (a.shape[k] != 1) extents[lead + k] = a.shape[k];
      }
    }
    const auto pick = [&](const Array& a, const Index& at) {
      Index own{};
      const std::size_t lead = extents.size() - a.shape.rank();
      for (std::size_t k = 0; k < a.shape.rank(); ++k) {
        own[k] = a.shape[k] == 1 ? 0 : at[lead + k];
      }
      return a.values[offset(a.shape, own)];
    };
    return build(Shape(std::span<const std::size_t>(extents)),
                 [&](const Index& at) { return f(pick(x[0], at), pick(x[1], at)); });
  };
}

void check(const Case& row) {
  BOOST_TEST_CONTEXT(row.name) {
    const std::vector<Tensor> inputs = draw_inputs(row);
    const Tensor value = evaluate([&](Args x) { return Vars{row.f(x)}; }, inputs)[0];
    const Array expected = row.naive(to_arrays(inputs));
    BOOST_REQUIRE_EQUAL(str(value.shape()), str(expected.shape));
    for (std::size_t i = 0; i < value.size(); ++i) {
      const double error = std::abs(double(value[i]) - expected.values[i]);
      if (error <= kValueTolerance * std::max(1.0, std::abs(expected.values[i]))) continue;
      BOOST_ERROR("element " << i << " is " << value[i] << ", expected " << expected.values[i]);
      break;
    }
    for (std::uint32_t order = 1; order <= (kDouble ? 3 : 1); ++order) {
      BOOST_TEST_CONTEXT("derivative of order " << order) {
        const Program program = compile(row.shapes, [&](Args x) {
          const Var s = contracted(row, x, order - 1);
          Vars out = grad(s, Vars(x.begin(), x.end()));
          out.push_back(s);
          return out;
        });
        Workspace ws = program.workspace();
        const auto run = [&](const Arrays& x) {
          for (std::size_t i = 0; i < x.size(); ++i) std::ranges::copy(x[i].values, ws.in(i).data);
          ws.run();
          return double(ws.out(x.size())[0]);
        };
        run(to_arrays(inputs));
        std::vector<Tensor> gradients;
        for (std::size_t i = 0; i < inputs.size(); ++i) gradients.emplace_back(ws.out(i));
        // The first order never trusts the library's values.
        const auto naive = [&](const Arrays& x) { return contracted(row.naive(x)); };
        if (order == 1) {
          check_gradient(gradients, inputs, naive);
        } else {
          check_gradient(gradients, inputs, run);
        }
      }
    }
  }
}

}  // namespace eqp::ad::test
