#include "autodiff/parallel.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "autodiff/grad.hpp"
#include "autodiff/ops.hpp"
#include "autodiff/program.hpp"
#include "autodiff/random.hpp"

using eqp::Real;
using namespace eqp::ad;

namespace {

// The loss and its parameter gradient over noisy rows, a block per task, summed in block order.
std::vector<Real> block_gradients(const Params& params, const Batched& f, std::size_t threads) {
  const Blocks blocks{1000, 64};
  std::vector<Tensor> parts(blocks.count());
  with_threads(threads, [&] {
    parallel_for(blocks.count(), [&](std::size_t b) {
      Workspace ws = f.workspace(blocks.size(b));
      for (std::uint32_t step = 0; step < 3; ++step) {
        BlockRng{{17}, step, std::uint32_t(blocks.first(b))}.normal(ws.in(0));
        ws.run();
      }
      parts[b] = Tensor(ws.out(0));
    });
  });
  std::vector<Real> total(params.size());
  for (const Tensor& part : parts) {
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
  }
  return total;
}

}  // namespace

BOOST_AUTO_TEST_CASE(any_number_of_threads_gives_the_same_bits) {
  Params params;
  const auto draw = [](std::span<Real> v) { BlockRng{{18}}.normal({v.data(), {1, v.size()}}); };
  const Param w1 = params.add("w1", {3, 32}, draw), b1 = params.add("b1", {32}, draw);
  const Param w2 = params.add("w2", {32, 1}, draw);
  const Batched f({{3}}, [&](std::span<const Var> in) {
    Tape& t = *in[0].tape;
    const Var u = matmul(silu(affine(in[0], w1.on(t), b1.on(t))), w2.on(t));
    return Vars{grad(sum(square(grad(sum(u), in[0]))) + logsumexp(u, {0, 1}), params)};
  });
  const std::vector<Real> one = block_gradients(params, f, 1);
  BOOST_TEST(one[0] != 0);
  for (const std::size_t threads : {2u, 4u, 0u}) {
    const std::vector<Real> many = block_gradients(params, f, threads);
    BOOST_TEST(std::memcmp(one.data(), many.data(), one.size() * sizeof(Real)) == 0,
               threads << " threads");
  }
}

// 5000 rows: products in 5 tasks, elementwise ops in 10, the last of them shorter.
BOOST_AUTO_TEST_CASE(a_whole_batch_has_the_same_bits_on_any_number_of_threads) {
  constexpr std::size_t n = 5000, width = 64;
  Params params;
  const auto draw = [](std::span<Real> v) {
    BlockRng{{18}}.normal({v.data(), {1, v.size()}});
    for (Real& x : v) x *= Real(0.1);
  };
  const Param w1 = params.add("w1", {3, width}, draw), b1 = params.add("b1", {width}, draw);
  const Param w2 = params.add("w2", {width, width}, draw), b2 = params.add("b2", {width}, draw);
  const Param w3 = params.add("w3", {width, 1}, draw);
  const auto scores = [&](Var x) {
    Tape& t = *x.tape;
    const Var h = silu(affine(x, w1.on(t), b1.on(t)));
    return sum(matmul(tanh(affine(h, w2.on(t), b2.on(t))), w3.on(t)), 1);
  };
  const auto run = [&](std::size_t threads) {
    return with_threads(threads, [&] {
      Workspace ws = compile({{n, 3}}, [&](std::span<const Var> in) {
                       const Var s = scores(in[0]), loss = logsumexp(s, 0) - mean(s);
                       return Vars{s, loss, grad(loss, params)};
                     }).workspace();
      BlockRng{{19}}.normal(ws.in(0));
      ws.run();
      return std::vector<Tensor>{Tensor(ws.out(0)), Tensor(ws.out(1)), Tensor(ws.out(2))};
    });
  };
  const std::vector<Tensor> one = run(1);
  for (const std::size_t threads : {2u, 4u}) {
    const std::vector<Tensor> many = run(threads);
    for (std::size_t k = 0; k < one.size(); ++k) {
      BOOST_TEST(std::memcmp(one[k].flat().data(), many[k].flat().data(),
                             one[k].size() * sizeof(Real)) == 0,
                 "output " << k << " on " << threads << " threads");
    }
  }
  // A few rows at a time are too small to be shared out, and have the same scores.
  const Batched few({{3}}, [&](std::span<const Var> in) { return Vars{scores(in[0])}; });
  const double tolerance = sizeof(Real) == 4 ? 1e-5 : 1e-13;
  const Blocks blocks{n, 100};
  for (std::size_t b = 0; b < blocks.count(); ++b) {
    Workspace ws = few.workspace(blocks.size(b));
    BlockRng{{19}, 0, std::uint32_t(blocks.first(b))}.normal(ws.in(0));
    ws.run();
    for (std::size_t i = 0; i < blocks.size(b); ++i) {
      BOOST_TEST(std::abs(ws.out(0)[i] - one[0][blocks.first(b) + i]) < tolerance);
    }
  }
}

BOOST_AUTO_TEST_CASE(blocks_are_as_the_program_and_the_rows_suggest) {
  const auto program = [](std::size_t width) {
    return Batched({{2}}, [width](std::span<const Var> in) {
      const std::size_t n = in[0].shape()[0];
      const Var scale = in[0].tape->constant(normal({width}, {1, 0}));
      return Vars{sum(tanh(reshape(in[0], {n, 2, 1}) * scale), 2)};
    });
  };
  const Batched small = program(3), large = program(1 << 14);
  for (const std::size_t threads : {1u, 4u}) {
    with_threads(threads, [&] {
      BOOST_TEST(small.block(0) == 1);
      BOOST_TEST(small.block(1) == 1);
      BOOST_TEST(small.block(33) == 32);
      BOOST_TEST(small.block(192) == 32);
      BOOST_TEST(small.block(193) == 64);
      BOOST_TEST(small.block(1000000) == 64);
      BOOST_TEST(large.block(1000) == 32);
      return 0;
    });
  }
}

BOOST_AUTO_TEST_CASE(every_index_runs_once_on_no_more_threads_than_asked_for) {
  for (const std::size_t threads : {1u, 2u, 4u}) {
    std::vector<std::atomic<int>> count(500);
    std::mutex mutex;
    std::set<std::thread::id> seen;
    with_threads(threads, [&] {
      parallel_for(count.size(), [&](std::size_t i) {
        ++count[i];
        const std::scoped_lock lock(mutex);
        seen.insert(std::this_thread::get_id());
      });
    });
    for (const auto& c : count) BOOST_TEST_REQUIRE(c == 1);
    BOOST_TEST(seen.size() <= threads);
  }
  parallel_for(0, [](std::size_t) { BOOST_ERROR("nothing to do"); });
}

BOOST_AUTO_TEST_CASE(workers_are_told_apart) {
  // On a thread that the scheduler does not know yet, too.
  std::size_t outside = 99;
  std::thread([&] { outside = worker(); }).join();
  BOOST_TEST(outside == 0);
  with_threads(4, [] {
    std::vector<std::atomic<int>> inside(n_workers());
    std::atomic<bool> alone = true;
    parallel_for(200, [&](std::size_t) {
      std::atomic<int>& mine = inside.at(worker());
      if (++mine != 1) alone = false;
      std::this_thread::yield();
      --mine;
    });
    BOOST_TEST(alone);
    return 0;
  });
}

BOOST_AUTO_TEST_CASE(threads_return_a_value) {
  BOOST_TEST(with_threads(2, [] { return 7; }) == 7);
  BOOST_TEST(with_threads(0, [] { return 8; }) == 8);
}

BOOST_AUTO_TEST_CASE(an_exception_in_a_block_reaches_the_caller) {
  for (const std::size_t threads : {1u, 4u}) {
    const auto fail = [&] {
      with_threads(threads, [] {
        parallel_for(100, [](std::size_t i) {
          if (i == 63) throw std::runtime_error("block 63");
        });
      });
    };
    BOOST_CHECK_EXCEPTION(fail(), std::runtime_error, [](const std::runtime_error& error) {
      return std::string(error.what()) == "block 63";
    });
    // And the next loop works.
    std::atomic<int> n = 0;
    parallel_for(100, [&](std::size_t) { ++n; });
    BOOST_TEST(n == 100);
  }
}

BOOST_AUTO_TEST_CASE(loops_nest) {
  std::vector<std::atomic<int>> count(40 * 30);
  with_threads(4, [&] {
    parallel_for(
        40, [&](std::size_t i) { parallel_for(30, [&](std::size_t j) { ++count[30 * i + j]; }); });
  });
  for (const auto& c : count) BOOST_TEST_REQUIRE(c == 1);
}

BOOST_AUTO_TEST_CASE(blocks_cover_every_row_once) {
  for (const auto& [rows, block] :
       {std::pair<std::size_t, std::size_t>{10, 4}, {8, 4}, {3, 4}, {0, 4}}) {
    const Blocks blocks{rows, block};
    std::size_t next = 0;
    for (std::size_t b = 0; b < blocks.count(); ++b) {
      BOOST_TEST(blocks.first(b) == next);
      BOOST_TEST(blocks.size(b) >= 1u);
      BOOST_TEST(blocks.size(b) <= block);
      next += blocks.size(b);
    }
    BOOST_TEST(next == rows);
  }
}

BOOST_AUTO_TEST_CASE(the_error_of_the_lowest_index_is_the_one_reported) {
  for (const std::size_t threads : {1u, 2u, 4u}) {
    std::atomic<int> ran = 0;
    const auto run = [&] {
      with_threads(threads, [&] {
        parallel_for(40, [&](std::size_t i) {
          ++ran;
          if (i % 7 == 3) throw std::runtime_error(std::to_string(i));
        });
      });
    };
    BOOST_CHECK_EXCEPTION(run(), std::runtime_error,
                          [](const auto& e) { return std::string(e.what()) == "3"; });
    BOOST_TEST(ran == 40);
  }
}
