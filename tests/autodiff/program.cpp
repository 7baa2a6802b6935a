#include "autodiff/program.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "autodiff/ops.hpp"
#include "autodiff/plan.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

using Args = std::span<const Var>;

bool same_bits(std::span<const Real> a, std::span<const Real> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

void fill_normal(std::span<Real> v) { BlockRng{{62}}.normal({v.data(), {1, v.size()}}); }

}  // namespace

BOOST_AUTO_TEST_CASE(inputs_keep_their_values_through_a_run) {
  Workspace ws = compile({{40}}, [](Args in) { return Vars{exp(tanh(in[0]) * 2.0)}; }).workspace();
  BlockRng{{61}}.normal(ws.in(0));
  const Tensor before(ws.in(0));
  ws.run();
  BOOST_TEST(same_bits(before.flat(), ws.in(0).flat()));
}

BOOST_AUTO_TEST_CASE(a_program_counts_the_operations_of_its_products) {
  const Program program = compile({{2, 3}, {3, 5}, {2, 1, 6, 6}, {4, 1, 3, 3}}, [](Args in) {
    return Vars{exp(matmul(in[0], in[1])), conv2d(in[2], in[3])};
  });
  BOOST_TEST(flops(program.plan()) == 2.0 * 2 * 3 * 5 + 2.0 * 2 * (4 * 4) * (4 * 3 * 3));
}

BOOST_AUTO_TEST_CASE(what_depends_on_parameters_only_runs_once_per_update) {
  Params params;
  const Param w = params.add("w", {2}, [](std::span<Real> v) { std::ranges::fill(v, Real(2)); });
  const auto f = [&](Args in) {
    const Var scale = square(square(w.on(*in[0].tape)));
    return Vars{in[0] * scale, w.on(*in[0].tape)};
  };
  const Program program = compile({{2}}, f);
  BOOST_TEST(program.n_kernels() == 2u);  // the product and the copy of the parameter
  Workspace ws = program.workspace();
  std::ranges::fill(ws.in(0).flat(), Real(3));
  ws.run();
  BOOST_TEST(ws.out(0)[1] == 48);
  params.mutate()[1] = 1;
  ws.run();
  BOOST_TEST(ws.out(0)[0] == 48);
  BOOST_TEST(ws.out(0)[1] == 3);
  BOOST_TEST(ws.out(1)[1] == 1);
  // Growing moves the parameters in memory.
  params.add("more", {10000}, fill_normal);
  ws.run();
  BOOST_TEST(ws.out(0)[1] == 3);
  params.mutate()[0] = -1;
  ws.run();
  BOOST_TEST(ws.out(0)[0] == 3);
  BOOST_TEST(ws.out(1)[0] == -1);
  BOOST_TEST(program.workspace().n_outputs() == 2u);
}

BOOST_AUTO_TEST_CASE(anything_can_be_an_output) {
  Params params;
  const Param w = params.add("w", {2, 3}, fill_normal);
  const Tensor constant = normal({2, 3}, {8});
  const auto f = [&](Args in) {
    Tape& t = *in[0].tape;
    const Var x = in[0], p = w.on(t), c = t.constant(constant), y = x + p;
    return Vars{x,
                p,
                c,
                y,
                y,
                reshape(y, {3, 2}),
                reshape(x, {6}),
                reshape(p, {6}),
                stop_gradient(y),
                -p,
                reshape(-p, {6}),
                full(t, {2, 3}, 4),
                x,
                in[1]};
  };
  const Tensor x = normal({2, 3}, {9}), unused = normal({}, {10});
  const std::vector<Tensor> r = evaluate(f, {x, unused});
  const std::span<const Real> p = params.values();
  for (std::size_t i = 0; i < 6; ++i) {
    const Real y = x[i] + p[i];
    const std::vector<Real> expected{x[i], p[i], constant[i], y,     y, y,   x[i],
                                     p[i], y,    -p[i],       -p[i], 4, x[i]};
    for (std::size_t k = 0; k < expected.size(); ++k) {
      BOOST_TEST(r[k][i] == expected[k], "output " << k << ", element " << i);
    }
  }
  BOOST_TEST(r[13][0] == unused[0]);
  BOOST_TEST((r[5].shape() == Shape{3, 2}));
  BOOST_TEST((r[6].shape() == Shape{6}));
}

BOOST_AUTO_TEST_CASE(a_function_of_rows_serves_any_number_of_rows) {
  const Batched f({{2}, {}}, [](Args in) { return Vars{sum(in[0], 1) * in[1]}; });
  for (const std::size_t rows : {3u, 1u, 3u}) {
    Workspace ws = f.workspace(rows);
    BOOST_TEST((ws.in(0).shape == Shape{rows, 2}));
    BOOST_TEST((ws.in(1).shape == Shape{rows}));
    for (std::size_t i = 0; i < 2 * rows; ++i) ws.in(0)[i] = Real(i);
    for (std::size_t i = 0; i < rows; ++i) ws.in(1)[i] = Real(10 * i);
    ws.run();
    for (std::size_t i = 0; i < rows; ++i) BOOST_TEST(ws.out(0)[i] == Real((4 * i + 1) * 10 * i));
  }
}

BOOST_AUTO_TEST_CASE(a_program_outlives_its_tape_and_a_workspace_its_program) {
  Workspace ws;
  {
    const Tensor c = normal({3}, {4});
    Program program =
        compile({{3}}, [&](Args in) { return Vars{in[0] + in[0].tape->constant(c)}; });
    ws = program.workspace();
  }
  Workspace moved = std::move(ws);
  moved.run();
  BOOST_TEST(same_bits(moved.out(0).flat(), normal({3}, {4}).flat()));
}
