#include "autodiff/checkpoint.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;
constexpr bool kDouble = sizeof(Real) == 8;

// A residual network of `depth` blocks x + silu(x W + b) V.
struct Residual {
  static constexpr std::size_t kWidth = 16;
  Params params;
  std::vector<std::array<Param, 3>> blocks;

  explicit Residual(std::size_t depth) {
    const auto fill = [](std::uint32_t stream) {
      return [stream](std::span<Real> v) {
        BlockRng{{91, stream}}.normal({v.data(), {1, v.size()}});
        for (Real& p : v) p *= Real(0.2);
      };
    };
    for (std::uint32_t i = 0; i < depth; ++i) {
      const std::string name = "block." + std::to_string(i);
      blocks.push_back({params.add(name + ".w", {kWidth, kWidth}, fill(3 * i)),
                        params.add(name + ".b", {kWidth}, fill(3 * i + 1)),
                        params.add(name + ".v", {kWidth, kWidth}, fill(3 * i + 2))});
    }
  }

  Var block(Var x, std::size_t i) const {
    const auto& [w, b, v] = blocks[i];
    Tape& t = *x.tape;
    return x + matmul(silu(affine(x, w.on(t), b.on(t))), v.on(t));
  }
  Var blocks_from(Var x, std::size_t first, std::size_t last) const {
    for (std::size_t i = first; i < last; ++i) x = block(x, i);
    return x;
  }
  /// In segments that are computed again; 0: none.
  Var operator()(Var x, std::size_t segment) const {
    if (segment == 0) return blocks_from(x, 0, blocks.size());
    for (std::size_t i = 0; i < blocks.size(); i += segment) {
      const std::size_t last = std::min(i + segment, blocks.size());
      x = checkpoint([&, i, last](Var in) { return blocks_from(in, i, last); }, x);
    }
    return x;
  }
};

void check_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
  BOOST_REQUIRE(got.size() == expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    BOOST_REQUIRE(got[k].shape() == expected[k].shape());
    double size = 1e-3;
    for (const Real v : expected[k].flat()) size = std::max(size, std::abs(double(v)));
    for (std::size_t i = 0; i < got[k].size(); ++i) {
      BOOST_TEST(
          std::abs(double(got[k][i]) - double(expected[k][i])) <= (kDouble ? 1e-12 : 1e-5) * size,
          "output " << k << ", element " << i << ": " << got[k][i] << ", expected "
                    << expected[k][i]);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoints)

BOOST_AUTO_TEST_CASE(derivatives_of_every_kind_are_those_without) {
  const Residual net(6);
  const auto f = [&](std::size_t segment) {
    return [&net, segment](Args in) {
      const Var x = in[0], v = in[1], y = net(x, segment), u = sum(square(y), 1);
      const Var second = hvp(u, x, v), third = grad(sum(second * v), x);
      return Vars{y,      grad(u, x), grad(u, net.params), jvp(y, x, v),
                  second, third,      laplacian(u, x),     grad(sum(square(second)), net.params)};
    };
  };
  const std::vector<Tensor> in{normal({3, 16}, {92}), normal({3, 16}, {93})};
  const std::vector<Tensor> plain = evaluate(f(0), in);
  for (const std::size_t segment : {1, 2, 4, 6}) check_close(evaluate(f(segment), in), plain);
}

BOOST_AUTO_TEST_CASE(checkpoints_may_be_nested) {
  const Residual net(8);
  const auto inner = [&](Var x, std::size_t first) {
    return checkpoint([&, first](Var in) { return net.blocks_from(in, first, first + 2); }, x);
  };
  const auto nested = [&](Args in) {
    const auto half = [&](Var x, std::size_t first) {
      return checkpoint([&, first](Var y) { return inner(inner(y, first), first + 2); }, x);
    };
    const Var x = in[0], u = sum(square(half(half(x, 0), 4)), 1);
    return Vars{u, grad(u, x), grad(u, net.params), hvp(u, x, x)};
  };
  const auto plain = [&](Args in) {
    const Var x = in[0], u = sum(square(net(x, 0)), 1);
    return Vars{u, grad(u, x), grad(u, net.params), hvp(u, x, x)};
  };
  const std::vector<Tensor> in{normal({3, 16}, {92})};
  check_close(evaluate(nested, in), evaluate(plain, in));
}

BOOST_AUTO_TEST_CASE(several_values_and_captured_ones_have_gradients) {
  const auto f = [](bool again) {
    return [again](Args in) {
      const Var a = in[0], b = in[1], captured = exp(in[2]);
      const auto body = [captured](const Vars& x) {
        return Vars{sin(x[0] * captured) + x[1], x[0] * tanh(x[1]) * captured, captured};
      };
      const Vars y = again ? checkpoint(body, {a, b}) : body({a, b});
      const Var loss = sum(square(y[0]) + exp(y[1]) * y[2]);
      Vars out = grad(loss, Vars{a, b, in[2]});
      out.push_back(hvp(loss, in[2], in[2]));
      out.push_back(hvp(loss, a, b));
      return out;
    };
  };
  const std::vector<Tensor> in{normal({7}, {94}), normal({7}, {95}), normal({7}, {96})};
  check_close(evaluate(f(true), in), evaluate(f(false), in));
}

BOOST_AUTO_TEST_CASE(results_are_the_same_with_passes_switched_off) {
  const Residual net(4);
  const Function f = [&](Args in) {
    const Var u = sum(square(net(in[0], 2)), 1);
    return Vars{u, grad(u, in[0]), grad(u, net.params)};
  };
  const Tensor x = normal({3, 16}, {92});
  const auto run = [&](const Passes& passes) {
    Workspace ws = compile({x.shape()}, f, passes).workspace();
    std::ranges::copy(x.flat(), ws.in(0).data);
    ws.run();
    return std::vector<Tensor>{Tensor(ws.out(0)), Tensor(ws.out(1)), Tensor(ws.out(2))};
  };
  const std::vector<Tensor> all = run({});
  for (const Passes& passes :
       {Passes{.merge = false}, Passes{.dead_code = false}, Passes{.simplify = false},
        Passes{.share = false}, Passes{.fold = false}, Passes{.hoist = false},
        Passes{.reuse = false}}) {
    check_close(run(passes), all);
  }
}

// What a gradient by the parameters must keep of each block: its input, silu and silu'.
BOOST_AUTO_TEST_CASE(a_gradient_of_a_deep_network_keeps_its_activations_and_no_more) {
  constexpr std::size_t depth = 50, n = 256, value = n * Residual::kWidth * sizeof(Real);
  const Residual net(depth);
  const std::size_t gradient = net.params.size() * sizeof(Real);
  const auto bytes = [&](const Function& f) { return compile({{n, 16}}, f).bytes(); };
  const std::size_t by_parameters =
      bytes([&](Args in) { return Vars{grad(sum(square(net(in[0], 0))), net.params)}; });
  BOOST_TEST(by_parameters <= (3 * depth + 6) * value + gradient + (gradient >> 3));
  BOOST_TEST(by_parameters >= 3 * depth * value);
  // A gradient by the input needs silu' alone.
  const std::size_t by_input =
      bytes([&](Args in) { return Vars{grad(sum(square(net(in[0], 0))), in[0])}; });
  BOOST_TEST(by_input <= (depth + 8) * value);
}

BOOST_AUTO_TEST_CASE(segments_of_the_square_root_need_memory_of_its_order) {
  constexpr std::size_t depth = 64, segment = 8, n = 256;
  constexpr std::size_t value = n * Residual::kWidth * sizeof(Real);
  const Residual net(depth);
  const auto program = [&](std::size_t s) {
    return compile({{n, 16}}, [&](Args in) {
      const Var u = sum(square(net(in[0], s)));
      return Vars{u, grad(u, net.params)};
    });
  };
  const std::size_t gradient = net.params.size() * sizeof(Real);
  const Program plain = program(0), again = program(segment);
  // The input of every segment, and the activations of one.
  BOOST_TEST(again.bytes() <= (depth / segment + 3 * segment + 8) * value + gradient * 9 / 8);
  BOOST_TEST(plain.bytes() - gradient >= 4 * (again.bytes() - gradient));
  // One more forward run at most: of the three passes of products two are the derivative's.
  BOOST_TEST(3 * again.n_kernels() <= 4 * plain.n_kernels() + 3 * depth);
}

BOOST_AUTO_TEST_SUITE_END()
