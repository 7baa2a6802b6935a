#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

bool same_bits(std::span<const Real> a, std::span<const Real> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

void fill_inputs(const Workspace& ws, std::size_t n, std::uint32_t stream) {
  for (std::size_t i = 0; i < n; ++i) BlockRng{{61, stream}, std::uint32_t(i)}.normal(ws.in(i));
}

std::vector<Tensor> outputs(const Workspace& ws) {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < ws.n_outputs(); ++i) out.emplace_back(ws.out(i));
  return out;
}

void check_same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    BOOST_TEST(same_bits(a[i].flat(), b[i].flat()), "output " << i << " differs");
  }
}

void fill_normal(std::span<Real> v) { BlockRng{{62}}.normal({v.data(), {1, v.size()}}); }

// A parameter of each of the two shapes below, and a square one for each.
struct Weights {
  Params params;
  Param wide = params.add("wide", {4, 6}, fill_normal);
  Param tall = params.add("tall", {6, 4}, fill_normal);
  Param square6 = params.add("square6", {6, 6}, fill_normal);
  Param square4 = params.add("square4", {4, 4}, fill_normal);
};

// Records `steps` ops drawn at random on values of shapes (4, 6) and (6, 4).
Vars random_graph(const Weights& weights, Args in, std::uint32_t stream, int steps) {
  Tape& tape = *in[0].tape;
  Draws draws({63, stream});
  Vars pool{in[0], in[1], weights.wide.on(tape), weights.tall.on(tape)};
  const auto pick = [&] { return pool[draws.below(pool.size())]; };
  for (int k = 0; k < steps; ++k) {
    const Var a = pick();
    Var b = pick();
    while (b.shape() != a.shape()) b = pick();
    const Shape& s = a.shape();
    const Shape column{s[0], 1}, swapped{s[1], s[0]};
    const Var w = (s[1] == 6 ? weights.square6 : weights.square4).on(tape);
    const auto next = [&]() -> Var {
      switch (draws.below(15)) {
        case 0:
          return tanh(a);
        case 1:
          return silu(a);
        case 2:
          return a + b;
        case 3:
          return tanh(a * b);
        case 4:
          return transpose(a);
        case 5:
          return reshape(a, swapped);
        case 6:
          return 0.3 * cumsum(a, draws.below(2));
        case 7:
          return a - broadcast_to(sum_to(b, column), s);
        case 8:
          return concat({slice(a, 1, 2, s[1]), slice(b, 1, 0, 2)}, 1);
        case 9:
          return tanh(matmul(a, exp(-square(w))));
        case 10:
          return maximum(a, b);
        case 11:
          return stop_gradient(a);
        case 12:
          return sin(a - reshape(logsumexp(b, 1), column));
        case 13:
          return concat({slice(a, 0, 0, 1), slice(b, 0, 1, s[0])}, 0);
        default:
          return pad(slice(a, 0, 1, s[0]), 0, 0, 1);
      }
    };
    pool.push_back(next());
  }
  return pool;
}

}  // namespace

BOOST_AUTO_TEST_CASE(memory_reuse_changes_no_bit) {
  const Weights weights;
  const std::vector<Shape> shapes{{4, 6}, {6, 4}};
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    const auto wanted = [&](Args in) {
      const Vars pool = random_graph(weights, in, seed, 30);
      const Var y = sum(sin(pool.back())) + sum(pool[pool.size() / 2]);
      const Var g = grad(y, in[0]);
      return Vars{pool.back(), y, g, grad(y, weights.params),
                  grad(sum(square(g)) + y, weights.params)};
    };
    // Every value of the tape requested: none dies, none gives its place away.
    const auto everything = [&](Args in) {
      Vars out = wanted(in);
      Tape& tape = *in[0].tape;
      for (std::uint32_t id = 0; id < tape.size(); ++id) out.push_back({&tape, id});
      return out;
    };
    // Passes that look at how often a value is used would do different algebra.
    const Passes plain{.simplify = false, .share = false};
    const Program lean = compile(shapes, wanted, plain), full = compile(shapes, everything, plain);
    const Program apart = compile(shapes, wanted, {.reuse = false}),
                  usual = compile(shapes, wanted);
    BOOST_TEST(lean.bytes() < full.bytes());
    BOOST_TEST(usual.bytes() <= apart.bytes());
    for (const auto& [with, without] : {std::pair(lean, full), std::pair(usual, apart)}) {
      Workspace a = with.workspace(), b = without.workspace();
      for (const std::uint32_t stream : {1u, 2u}) {
        fill_inputs(a, 2, stream);
        fill_inputs(b, 2, stream);
        a.run();
        b.run();
        BOOST_TEST_CONTEXT("random graph " << seed) { check_same_bits(outputs(a), outputs(b)); }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_replay_equals_a_fresh_compile) {
  const Weights weights;
  const std::vector<Shape> shapes{{4, 6}, {6, 4}};
  const auto f = [&](Args in) {
    const Vars pool = random_graph(weights, in, 5, 60);
    return Vars{pool.back(), grad(sum(pool.back()), in[0])};
  };
  const auto fresh = [&](std::uint32_t stream) {
    Workspace ws = compile(shapes, f).workspace();
    fill_inputs(ws, 2, stream);
    ws.run();
    return outputs(ws);
  };
  const Program program = compile(shapes, f);
  Workspace ws = program.workspace();
  for (const std::uint32_t stream : {1u, 2u, 1u, 3u, 1u}) {
    fill_inputs(ws, 2, stream);
    ws.run();
    check_same_bits(outputs(ws), fresh(stream));
    ws.run();
    check_same_bits(outputs(ws), fresh(stream));
  }
  ws.run_checked();
  check_same_bits(outputs(ws), fresh(1));
}

// The sum goes where the concatenation's part is: the concatenation must keep its own.
BOOST_AUTO_TEST_CASE(a_part_of_a_concatenation_may_be_summed_up_as_well) {
  const auto f = [](Args in) {
    const Var h = exp(in[0]), all = concat({h, sin(in[0])}, 0), running = cumsum(h, 0);
    return Vars{all * 2.0, running * 2.0};
  };
  const Tensor x = normal({5}, {64});
  const std::vector<Tensor> r = evaluate(f, {x});
  double running = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    running += std::exp(double(x[i]));
    BOOST_TEST(std::abs(r[0][i] - 2 * std::exp(double(x[i]))) < 1e-5);
    BOOST_TEST(std::abs(r[0][5 + i] - 2 * std::sin(double(x[i]))) < 1e-5);
    BOOST_TEST(std::abs(r[1][i] - 2 * running) < 1e-5);
  }
}

// The sum begins where the concatenation is: a part that is read after it must lie elsewhere.
BOOST_AUTO_TEST_CASE(a_part_of_a_summed_concatenation_may_be_read_later) {
  const auto f = [](Args in) {
    const Var h = exp(in[0]), part = concat({h, sin(in[0])}, 0);
    return Vars{cumsum(part, 0) * 2.0, h * 3.0};
  };
  const auto nested = [](Args in) {
    const Var h = exp(in[0]), part = concat({h, sin(in[0])}, 0);
    return Vars{cumsum(concat({part, cos(in[0])}, 0), 0) * 2.0, h * 3.0};
  };
  const Tensor x = normal({5}, {64});
  for (const Function& g : {Function(f), Function(nested)}) {
    const Tensor later = evaluate(g, {x})[1];
    for (std::size_t i = 0; i < 5; ++i) {
      BOOST_TEST(std::abs(later[i] - 3 * std::exp(double(x[i]))) < 1e-5);
    }
  }
}
