// Fits autoregressive flows to small images of whole grey levels, and measures how many bits a
// pixel of held-out ones would cost.
//
//   ./run image_density --data experiments/data/digits.csv.gz --label last --levels 17
//
// Expect: on these digits 2.18 bits per dimension with affine maps (maf), 1.99 with splines (nsf);
// some minutes on two cores.
//
// CI: --data experiments/data/digits.csv.gz --label last --levels 17
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <numeric>

#include "autodiff/ranks.hpp"
#include "autodiff/safetensors.hpp"
#include "experiments/common/checkpoint.hpp"
#include "experiments/common/experiment.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/progress.hpp"
#include "experiments/common/report.hpp"
#include "experiments/common/run_folder.hpp"
#include "flows/maf.hpp"
#include "flows/spline.hpp"
#include "train/data/batches.hpp"
#include "train/data/dequantise.hpp"
#include "train/data/logit.hpp"
#include "train/data/split.hpp"
#include "train/data/standardise.hpp"
#include "train/data/table.hpp"
#include "train/flow_ml.hpp"
#include "train/validation.hpp"

namespace eqp {
namespace {

// The edges of the range, where a logit is infinite, are moved in by this much of it.
constexpr double kAlpha = 0.05;

ad::Tensor all(const train::Rows& rows) {
  ad::Tensor x({rows.rows(), rows.cols()});
  rows.copy(0, x);
  return x;
}

// From grey levels to what flows learn: uniform noise fills the levels, logits reach all of the
// line, and columns get mean 0 and variance 1.
class Preparation {
 public:
  Preparation(const train::Rows& data, std::size_t levels, ad::Key key)
      : levels_(levels), logit_(data.cols(), kAlpha) {
    ad::Tensor x = all(data);
    to_logits(x, {key});
    scale_ = train::standardisation(x);
  }

  /// x (n, d) in place. Returns log|det| of all but the noise, per row.
  std::vector<double> operator()(ad::View x, const ad::BlockRng& rng) const {
    std::vector<double> log_det = to_logits(x, rng);
    scale_.apply(x);
    for (double& l : log_det) {
      for (const double sd : scale_.sd) l -= std::log(sd);
    }
    return log_det;
  }

  std::size_t levels() const { return levels_; }
  const train::Standardisation& scale() const { return scale_; }

 private:
  std::vector<double> to_logits(ad::View x, const ad::BlockRng& rng) const {
    train::dequantise(x, levels_, rng);
    return logit_.apply(x);
  }

  std::size_t levels_;
  train::Logit logit_;
  train::Standardisation scale_;
};

struct Data {
  train::Rows train;  // levels: their noise is fresh at every step
  Preparation prepare;
  ad::Tensor validation, test;  // prepared, with noise that stays
  double test_log_det = 0;      // mean

  Data(const train::Split& parts, std::size_t levels, ad::Key key)
      : train(parts.train),
        prepare(parts.train, levels, key.fork(0)),
        validation(all(parts.validation)),
        test(all(parts.test)) {
    prepare(validation, {key.fork(1)});
    const std::vector<double> log_det = prepare(test, {key.fork(2)});
    test_log_det = std::accumulate(log_det.begin(), log_det.end(), 0.0) / double(log_det.size());
  }
};

train::Validation mean_loss(const flows::Flow& flow, const ad::Tensor& x) {
  constexpr std::size_t kRows = 1024;
  const train::DataSource in_order = [rows = train::Rows(x)](std::uint32_t t, ad::View out) {
    rows.copy(t * kRows, out);
  };
  return {train::flow_ml(flow, in_order, kRows), x.rows()};
}

struct Settings {
  std::size_t transforms, bins;
  std::vector<std::size_t> hidden;
  std::size_t batch;
  std::uint32_t epochs, patience;
  double learning_rate;
};

flows::Flow make_flow(const std::string& name, ad::Params& params, std::size_t dim,
                      const Settings& s, ad::Key key) {
  const auto family =
      name == "nsf" ? flows::rational_quadratic({.bins = s.bins}) : flows::affine_map();
  return flows::maf(params, "flow", dim,
                    {.transforms = s.transforms, .hidden = s.hidden, .family = family}, key);
}

struct Outcome {
  double bits = 0, seconds = 0;
  std::uint32_t epochs = 0;
  std::size_t parameters = 0;
};

// Adam through shuffled epochs; the parameters that do best on the validation rows are kept.
Outcome train_one(const std::string& name, const Data& data, const Settings& s, ad::Key key,
                  std::size_t group, RunFolder& folder, Progress& progress) {
  const std::size_t dim = data.test.cols();
  ad::Params params;
  const flows::Flow flow = make_flow(name, params, dim, s, key.fork(0));
  const train::Batches batches(data.train, s.batch, key.fork(1));
  const auto per_epoch = std::uint32_t(batches.per_epoch());
  const train::DataSource fresh = [&](std::uint32_t t, ad::View out) {
    batches(t, out);
    data.prepare(out, {key.fork(2), t});
  };
  train::Validation validation = mean_loss(flow, data.validation);
  std::vector<Real> best(params.values().begin(), params.values().end());
  double least = validation.loss();
  std::uint32_t epoch = 0, best_epoch = 0;

  Checkpoint checkpoint(folder, name + "/" + std::to_string(group), group, [&](ad::Archive& a) {
    a("best", std::span(best));
    a("least", least);
    a("epoch", epoch);
    a("best_epoch", best_epoch);
  });
  auto training = progress.start(name, s.epochs * per_epoch);
  const auto start = std::chrono::steady_clock::now();
  train::fit(params, train::flow_ml(flow, fresh, s.batch), train::adam(),
             {.steps = s.epochs * per_epoch,
              .learning_rate = train::constant(s.learning_rate),
              .keeper = &checkpoint},
             [&](std::uint32_t step, const train::StepLog& log) {
               training.update({step, log.loss});
               if (step % per_epoch != 0) return true;
               ++epoch;
               if (const double loss = validation.loss(); loss < least) {
                 least = loss, best_epoch = epoch;
                 std::ranges::copy(params.values(), best.begin());
               }
               return epoch - best_epoch < s.patience;
             });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::ranges::copy(best, params.mutate().begin());
  const double log_prob = data.test_log_det - mean_loss(flow, data.test).loss();
  return {train::bits_per_dim(log_prob, dim, data.prepare.levels()), seconds, best_epoch,
          params.size()};
}

// What another program needs to train on the same data.
void save(const RunFolder& folder, const Data& data) {
  ad::Params file;
  const auto add = [&](const std::string& name, const ad::Tensor& x) {
    file.add(name, x.shape(),
             [&](std::span<Real> out) { std::ranges::copy(x.flat(), out.begin()); });
  };
  const auto column = [](const std::vector<double>& values) {
    ad::Tensor x({values.size()});
    std::ranges::transform(values, x.flat().begin(), [](double v) { return Real(v); });
    return x;
  };
  add("train", all(data.train));
  add("validation", data.validation);
  add("test", data.test);
  add("mean", column(data.prepare.scale().mean));
  add("sd", column(data.prepare.scale().sd));
  add("test_log_det", column({data.test_log_det}));
  folder.file("data.safetensors", [&](const std::filesystem::path& path) {
    ad::save_safetensors(
        path, file,
        {{"levels", std::to_string(data.prepare.levels())}, {"alpha", std::to_string(kAlpha)}});
  });
}

Row summary(const std::string& name, const std::vector<Outcome>& runs) {
  double mean = 0, square = 0, seconds = 0;
  for (const Outcome& run : runs) {
    mean += run.bits / double(runs.size());
    seconds += run.seconds / double(runs.size());
  }
  for (const Outcome& run : runs) square += (run.bits - mean) * (run.bits - mean);
  const double n = double(runs.size());
  return {{"flow", name},
          {"parameters", runs[0].parameters},
          {"bits_per_dim", mean},
          {"standard_error", n > 1 ? Row(std::sqrt(square / (n * (n - 1)))) : Row()},
          {"best_epoch", runs[0].epochs},
          {"seconds", seconds}};
}

void run(Cli& cli) {
  const auto file = cli.get("data", "", "images, one per row: idx (MNIST), .csv or .npy");
  const auto label = cli.get("label", "", "column of a label to leave out, such as last");
  const auto levels = cli.get<std::size_t>("levels", 256, "grey levels, from 0", {.min = 2});
  const auto kind = cli.choice("flow", "all", {"all", "maf", "nsf"}, "kind of flow");
  const auto runs = cli.get<std::size_t>("runs", cli.quick() ? 1 : 3,
                                         "trainings of a flow, from different weights", {.min = 1});
  const Range width{.min = 1, .max = 65536};
  const Settings settings{
      .transforms = cli.get<std::size_t>("transforms", 5, "of a flow", {.min = 1}),
      .bins = cli.get<std::size_t>("bins", 8, "of a spline", {.min = 2, .max = 64}),
      .hidden = cli.get(
          "hidden",
          cli.quick() ? std::vector<std::size_t>{32, 32} : std::vector<std::size_t>{256, 256},
          "widths of a transform's network", width),
      .batch = cli.get<std::size_t>("batch", 100, "images per update", {.min = 1}),
      .epochs = cli.get("epochs", cli.quick() ? 2u : 400u, "at most", {.min = 1, .max = 1e5}),
      .patience = cli.get("patience", 30u, "epochs without a smaller validation loss", {.min = 1}),
      .learning_rate = cli.get("lr", 5e-4, "of Adam", {.above = 0})};
  const bool keep = cli.flag("save-data", "also write the prepared data, for another program");
  cli.done();
  if (file.empty()) throw std::invalid_argument("image_density: no --data; need a file of images");

  const ad::Key key{cli.seed()};
  const Data data(
      train::split(
          train::Rows(train::read_table(file, {.label = label}).values),
          {.validation = {.fraction = 0.1}, .test = {.fraction = 0.1}, .key = key.fork(0)}),
      levels, key.fork(1));
  RunFolder folder(cli);
  if (keep) save(folder, data);

  const std::vector<std::string> kinds =
      kind == "all" ? std::vector<std::string>{"maf", "nsf"} : std::vector<std::string>{kind};
  Progress progress({.total = kinds.size() * runs, .quiet = cli.quiet()});
  std::vector<Outcome> outcomes(kinds.size() * runs);
  ad::for_each_job(outcomes.size(), [&](std::size_t k) {
    if (interrupted()) return;
    const ad::Key own = key.fork(2).fork(std::uint32_t(k % runs));
    outcomes[k] = train_one(kinds[k / runs], data, settings, own, k, folder, progress);
  });
  if (interrupted()) return;

  Table table("Held-out images");
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const auto first = outcomes.begin() + std::ptrdiff_t(i * runs);
    rows.push_back(summary(kinds[i], {first, first + std::ptrdiff_t(runs)}));
    table.add(rows.back());
  }
  std::cout << table.text() << "\n";
  Report report("Bits per dimension of images",
                "Uniform noise fills the grey levels, so that the flows' densities are upper "
                "bounds of the bits that a pixel of a held-out image would cost.");
  report.table(table);
  folder.finish(std::move(report), rows);
}

}  // namespace
}  // namespace eqp

int main(int argc, char** argv) {
  return eqp::experiment(argc, argv, "Fits flows to images and measures the bits of held-out ones",
                         eqp::run);
}
