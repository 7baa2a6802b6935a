#include "experiments/common/ebm_training.hpp"

#include <algorithm>
#include <stdexcept>

#include "experiments/common/checkpoint.hpp"
#include "experiments/common/interrupt.hpp"
#include "experiments/common/step_log.hpp"
#include "experiments/common/stopwatch.hpp"

namespace eqp {
namespace {

constexpr std::size_t kPicture = EbmStudy::kPicture, kTrace = 102;  // cells per axis

// A model and what trains it.
struct Training {
  Training(const EbmStudy& of, const std::string& by, ad::Key key)
      : study(of),
        method(by),
        settings(study.problem.tuned(method)),
        ebm(study.problem.tuned_model(method), key.fork(0)),
        objective(make_objective(method, ebm, study.data, settings, key.fork(1))),
        energy(model_energy(method, ebm, settings.tilted)),
        model(log_density(energy, study.problem.truth.dim)) {}

  const EbmStudy& study;
  std::string method;
  MethodSettings settings;
  Stopwatch watch;
  Ebm ebm;
  train::Objective objective;
  mcmc::Energy energy;
  train::LogDensity model;
};

// In many dimensions the chains have to say how much is where.
double watched_weight(const Training& t) {
  const Problem& p = t.study.problem;
  const train::Modes& modes = p.truth.modes;
  if (!p.planar()) return share_of_mode(t.objective.chains->starts(), modes, p.watched);
  return train::masses_on_grid(train::evaluate_grid(t.model, p.box, kTrace, kTrace),
                               modes)[p.watched];
}

void train_model(Training& t, std::size_t group, RunFolder& folder, Progress& progress,
                 TrainedEbm& out) {
  const std::string& dataset = t.study.problem.truth.name;
  const std::string task = dataset + "/" + t.method;
  const auto epoch =
      std::uint32_t(std::max<std::size_t>(1, t.study.data.rows() / t.settings.batch));
  Checkpoint checkpoint(folder, task, group, [&](ad::Archive& a) {
    a("watch", t.watch);
    a("curve.x", out.curve.x);
    a("curve.y", out.curve.y);
    a("events", out.events);
  });
  auto training = progress.start(task, t.settings.steps);
  const auto on_step = [&](std::uint32_t step, const train::StepLog& log) {
    training.update({step, log.loss, log.acceptance});
    out.events.add(log);
    if (step == 1) log_blocks(folder, task, log);
    if (step % epoch == 0 || step == t.settings.steps) {
      const double weight = watched_weight(t);
      while (!out.curve.x.empty() && out.curve.x.back() * epoch >= step) {  // gone back
        out.curve.x.pop_back();
        out.curve.y.pop_back();
      }
      out.curve.x.push_back(double(step) / epoch);
      out.curve.y.push_back(weight);
      Row row{{"dataset", dataset}, {"method", t.method}, {"step", step}};
      row.update(metrics(log));
      row["weight"] = weight;
      folder.log(group, row);
    }
    return true;
  };
  fit(t.ebm, t.objective, t.settings, on_step, &checkpoint);
}

void judge_model(const Training& t, ad::Key key, TrainedEbm& out) {
  const Problem& p = t.study.problem;
  const Truth& truth = t.study.truth;
  const train::Rows& points = t.study.data;
  out.late = late_weight(out.curve.y);
  out.row = {{"dataset", p.truth.name}, {"method", t.method}};
  if (!p.planar()) {
    std::optional<AnnealedModel> annealed;
    if (t.settings.tilted) annealed = {t.energy, annealing_base(t.method, t.ebm)};
    ChainMetrics m = chain_metrics(*t.objective.chains, p, truth, annealed, key.fork(3));
    out.row.update(m.row);
    out.samples = std::move(m.samples);
    return;
  }
  PlaneMetrics m = plane_metrics(p, truth, t.model, points.rows(), key.fork(2));
  out.doubt = m.doubt;
  out.row["mode_weight"] = m.masses[p.watched];
  out.row["late_mean"] = out.late.mean;
  out.row.update(m.row);
  if (p.source == Protocol::published && t.objective.chains) {
    ad::Tensor data({points.rows(), points.cols()});
    points.copy(0, data);
    out.row.update(weight_metrics(*t.objective.chains, p, data, m.masses, key.fork(3)));
  }
  out.samples = std::move(m.samples);
  out.picture = train::normalised(train::evaluate_grid(t.model, p.frame, kPicture, kPicture));
}

}  // namespace

EbmStudy prepare(const Problem& problem, std::size_t n_samples, ad::Key key) {
  EbmStudy r{.problem = problem,
             .data = train::Rows(train::draw(problem.truth, problem.points, key.fork(0))),
             .truth = exact_samples(problem, n_samples, key)};
  if (!problem.planar()) return r;
  r.picture = train::normalised(
      train::evaluate_grid(log_density(problem.truth), problem.frame, kPicture, kPicture));
  return r;
}

void train_and_judge(const EbmStudy& study, const std::string& method, std::size_t group,
                     ad::Key key, RunFolder& folder, Progress& progress, TrainedEbm& out) {
  out.curve.name = method;
  Training training(study, method, key);
  train_model(training, group, folder, progress, out);
  const double seconds = training.watch.seconds();
  if (interrupted()) return;
  try {
    judge_model(training, key, out);
  } catch (const std::invalid_argument& e) {
    // What chains and metrics refuse here is the model's, not the user's: an energy that overflows.
    throw std::runtime_error(std::string("its end: ") + e.what());
  }
  if (interrupted()) return;
  out.row["updates"] = training.settings.steps;
  out.row["seconds"] = seconds;
  out.done = true;
}

}  // namespace eqp
