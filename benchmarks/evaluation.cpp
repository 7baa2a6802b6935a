#include "benchmarks/evaluation.hpp"

#include "autodiff/random.hpp"

namespace eqp::bench {

std::vector<ad::Shape> Evaluation::row_shapes() const {
  std::vector<ad::Shape> shapes;
  for (const auto& [name, values] : question_.in) {
    shapes.push_back(ad::Shape(values.shape().dims().subspan(1)));
  }
  return shapes;
}

void Evaluation::start() {
  rows_.emplace(ad::Blocks{case_.rows, case_.block}, row_shapes(), question_.f);
}

void Evaluation::run() {
  const std::vector<ad::ConstView> in = [&] {
    std::vector<ad::ConstView> views;
    for (const auto& [name, values] : question_.in) views.push_back(values);
    return views;
  }();
  for (std::uint32_t k = 0; k < case_.steps; ++k, ++done_) {
    if (inputs_ == Inputs::given) {
      rows_->run_on(in);
    } else {
      rows_->run([&](std::size_t first, ad::Workspace& ws) {
        ad::BlockRng{kNoise, done_, std::uint32_t(first)}.normal(ws.in(0));
      });
    }
  }
}

Limit Evaluation::limit() {
  Limit limit;
  limit.add({case_.rows, case_.block}, row_shapes(), question_.f);
  return limit;
}

void Evaluation::check(ad::Params& file) {
  question_.write(file);
  std::vector<ad::ConstView> in;
  for (const auto& [name, values] : question_.in) {
    put(file, name, values);
    in.push_back(values);
  }
  rows_->run_on(in);
  for (std::size_t k = 0; k < question_.out.size(); ++k) put(file, question_.out[k], rows_->out(k));
}

}  // namespace eqp::bench
