#pragma once

#include <optional>
#include <string>
#include <utility>

#include "benchmarks/arrays.hpp"
#include "benchmarks/by_rows.hpp"
#include "benchmarks/workload.hpp"

namespace eqp::bench {

/// A function of rows and what it is given.
struct Question {
  ad::Function f;
  std::vector<std::pair<std::string, ad::Tensor>> in;  // names in the file, (n, ...) each
  std::vector<std::string> out;                        // names in the file
  std::function<void(ad::Params& file)> write;         // what the function is made of
};

/// Evaluations of a function on a batch.
class Evaluation : public Workload {
 public:
  /// Whether every step has the inputs of the question, or fresh standard normals of that shape.
  enum class Inputs { given, fresh_normals };

  Evaluation(const Case& c, Question question, Inputs inputs = Inputs::given)
      : case_(c), question_(std::move(question)), inputs_(inputs) {}

  void start() override;
  void run() override;
  std::size_t block() const override { return rows_->block(); }
  Limit limit() override;
  void check(ad::Params& file) override;

 private:
  std::vector<ad::Shape> row_shapes() const;

  Case case_;
  Question question_;
  Inputs inputs_;
  std::optional<ByRows> rows_;
  std::uint32_t done_ = 0;
};

}  // namespace eqp::bench
