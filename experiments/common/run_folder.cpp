#include "experiments/common/run_folder.hpp"

#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

#include "autodiff/npy.hpp"
#include "autodiff/ranks.hpp"
#include "experiments/common/build_info.hpp"
#include "experiments/common/earlier_run.hpp"
#include "experiments/common/interrupt.hpp"

namespace eqp {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kMetricsEvery{5};

Row describe(const Cli& cli) {
  const Row options = resolved_options(cli);
  const std::size_t cores = std::thread::hardware_concurrency();
  return {{"experiment", cli.experiment()},
          {"about", cli.about()},
          {"options", options},
          {"build",
           {{"precision", build_precision()},
            {"commit", build_commit()},
            {"compiler", build_compiler()},
            {"flags", build_flags()}}},
          {"machine",
           {{"cpu", cpu_model()},
            {"cores", cores},
            {"threads", cli.threads() == 0 ? cores : cli.threads()}}}};
}

std::string csv_cell(const Row& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  std::string text = value.get<std::string>();
  if (text.find_first_of(",\"\n") == text.npos) return text;
  for (std::size_t i = 0; (i = text.find('"', i)) != text.npos; i += 2) text.insert(i, 1, '"');
  return '"' + text + '"';
}

}  // namespace

RunFolder::RunFolder(const Cli& cli)
    : path_(cli.out()),
      experiment_(cli.experiment()),
      seed_(cli.seed()),
      configuration_(describe(cli)),
      checkpoint_every_(cli.checkpoint_every()),
      resumed_(cli.resume()) {
  ad::on_first_rank([&] { prepare(cli); });
}

void RunFolder::prepare(const Cli& cli) {
  if (resumed_) {
    require_same_run(cli);
    const Row before = read_json(path_ / "config.json");
    if (before.contains("blocks"))
      before["blocks"].get_to(blocks_), configuration_["blocks"] = blocks_;
    if (before.contains("build") && before["build"] != configuration_["build"]) {
      std::cerr << cli.experiment() << ": " << path_.string()
                << " was begun by another build, which may round differently\n";
    }
  } else {
    require_free_folder(path_, cli.overwrite());
  }
  try {
    if (fs::exists(path_)) resumed_ ? remove_half_written(path_) : remove_run_files(path_);
    fs::create_directories(path_ / "figures");
    fs::create_directories(path_ / "checkpoint");
  } catch (const fs::filesystem_error& error) {
    throw std::invalid_argument("--out " + path_.string() + ": " + error.code().message());
  }
  file("config.json", configuration_.dump(2) + '\n');
}

RunFolder::~RunFolder() {
  try {
    const std::lock_guard lock(mutex_);
    write_metrics();
  } catch (...) {  // the run is already failing for a reason of its own
  }
}

void RunFolder::block(const std::string& task, std::size_t rows) {
  if (rows == 0) return;
  const std::lock_guard lock(mutex_);
  blocks_[task] = rows;
  configuration_["blocks"] = blocks_;
  file("config.json", configuration_.dump(2) + '\n');
}

fs::path RunFolder::figure(const std::string& name) const {
  return path_ / "figures" / (name + ".png");
}

void RunFolder::log(std::size_t group, const Row& row) {
  std::string line, header;
  std::vector<std::string> columns;
  for (const auto& [key, value] : row.items()) {
    line += (columns.empty() ? "" : ",") + csv_cell(value);
    columns.push_back(key);
  }
  const std::lock_guard lock(mutex_);
  if (columns_.empty()) columns_ = columns;
  if (columns != columns_)
    throw std::logic_error("metrics.csv: a row's columns differ from the first one's: " +
                           row.dump());
  lines_[group] += line + '\n';
  dirty_ = true;
  if (steady_clock::now() - written_ > kMetricsEvery) write_metrics();
}

void RunFolder::write_metrics() {
  if (!dirty_) return;
  std::string text;
  for (const std::string& column : columns_) text += (text.empty() ? "" : ",") + csv_cell(column);
  text += '\n';
  for (const auto& [group, lines] : lines_) text += lines;
  file("metrics.csv", text);
  written_ = steady_clock::now();
  dirty_ = false;
}

void RunFolder::archive(ad::Archive& a, std::size_t group) {
  const std::lock_guard lock(mutex_);
  std::string columns = Row(columns_).dump();
  a("columns", columns);
  a("lines", lines_[group]);
  if (!a.reading()) return;
  if (columns_.empty()) columns_ = Row::parse(columns).get<std::vector<std::string>>();
  dirty_ = !columns_.empty();
}

fs::path RunFolder::state_file(const std::string& task) const {
  std::string name = task;
  std::ranges::replace(name, '/', '-');
  return path_ / "checkpoint" / (name + ".state");
}

std::string RunFolder::state_owner(const std::string& task) const {
  return task + " of " + experiment_ + " " + options().dump();
}

Row RunFolder::options() const {
  Row options = Row::object();
  for (const auto& [name, value] : configuration_["options"].items()) {
    if (affects_results(name)) options[name] = value;
  }
  return options;
}

void RunFolder::samples(const std::string& name, ad::ConstView x) {
  if (!name.starts_with("samples"))
    throw std::logic_error(name + ".npy: the name of samples begins with \"samples\"");
  file(name + ".npy", ad::npy_bytes(x));
}

void RunFolder::summary(const std::vector<Row>& rows) {
  {
    const std::lock_guard lock(mutex_);
    write_metrics();
  }
  Row all = {{"experiment", experiment_}, {"seed", seed_}, {"seconds", seconds()}, {"rows", rows}};
  if (interrupted()) all["interrupted"] = true;
  file("summary.json", all.dump(2) + '\n');
  if (!interrupted() && ad::rank() == 0) fs::remove_all(path_ / "checkpoint");
}

void RunFolder::finish(Report report, const std::vector<Row>& rows) {
  if (interrupted()) report.warning("The run was interrupted: what had not ended is missing.");
  report.configuration(configuration_);
  file("report.html", report.html());
  summary(rows);
  std::cout << (path_ / "report.html").string() << "\n";
}

void RunFolder::file(const std::string& name,
                     const std::function<void(const fs::path&)>& write) const {
  if (ad::rank() != 0) return;
  const fs::path temporary = path_ / (name + ".partial");
  write(temporary);
  fs::rename(temporary, path_ / name);
}

void RunFolder::file(const std::string& name, std::string_view bytes) const {
  file(name, [&](const fs::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    out << bytes << std::flush;
    if (!out) throw std::runtime_error((path_ / name).string() + ": cannot be written");
  });
}

double RunFolder::seconds() const {
  return std::chrono::duration<double>(steady_clock::now() - start_).count();
}

}  // namespace eqp
