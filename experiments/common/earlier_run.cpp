#include "experiments/common/earlier_run.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>

namespace eqp {
namespace {

namespace fs = std::filesystem;

bool is_run_folder(const fs::path& folder) {
  const Row config = read_json(folder / "config.json");
  return config.contains("experiment") && config.contains("options");
}

/// What a run writes into its folder; an overwritten folder keeps anything else.
bool is_run_file(const fs::path& file) {
  const std::string name = file.filename(), extension = file.extension();
  return name == "config.json" || name == "summary.json" || name == "report.html" ||
         name == "profile.txt" || (name.starts_with("events_") && extension == ".txt") ||
         name == "figures" || name == "checkpoint" || extension == ".partial" || reproducible(name);
}

}  // namespace

Row read_json(const fs::path& path) {
  std::ifstream file(path);
  const Row json = Row::parse(file, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Row();
}

Row resolved_options(const Cli& cli) {
  Row options = Row::object();
  for (const ResolvedOption& option : cli.options()) options[option.name] = option.value;
  return options;
}

bool affects_results(const std::string& option) {
  static const std::set<std::string> none{"out",   "overwrite", "resume",          "threads",
                                          "quiet", "profile",   "checkpoint-every"};
  return !none.contains(option);
}

void require_free_folder(const fs::path& folder, bool overwrite) {
  const std::string who = "--out " + folder.string() + ": ";
  if (fs::exists(folder)) {
    if (!overwrite)
      throw std::invalid_argument(who + "exists; choose another folder or add --overwrite");
    if (!is_run_folder(folder))
      throw std::invalid_argument(who + "exists and is not an earlier run; choose another folder");
  }
  fs::path above = fs::absolute(folder).parent_path();
  while (!fs::exists(above)) above = above.parent_path();
  if (!fs::is_directory(above)) throw std::invalid_argument(who + above.string() + " is a file");
}

bool require_same_run(const Cli& cli) {
  const fs::path& folder = cli.out();
  const auto fail = [&](const std::string& what) {
    throw std::invalid_argument("--resume: " + folder.string() + what);
  };
  if (!fs::exists(folder)) return false;
  if (!fs::is_directory(folder)) fail(" is a file");
  // A run that was killed before it wrote config.json has written nothing else.
  if (std::ranges::all_of(fs::directory_iterator(folder), [](const auto& entry) {
        return entry.path().filename() == "figures" || entry.path().extension() == ".partial";
      })) {
    return false;
  }
  if (!is_run_folder(folder)) fail(" is not an earlier run");
  const Row config = read_json(folder / "config.json"), now = resolved_options(cli);
  if (config["experiment"] != cli.experiment()) {
    fail(" is a run of " + config["experiment"].dump() + ", not of " + cli.experiment());
  }
  const Row& then = config["options"];
  for (const auto& [name, value] : now.items()) {
    if (!affects_results(name) || (then.contains(name) && then[name] == value)) continue;
    fail(" was begun with --" + name + " " + (then.contains(name) ? then[name].dump() : "unknown") +
         ", not " + value.dump());
  }
  const Row summary = read_json(folder / "summary.json");
  return summary.is_object() && !summary.contains("interrupted");
}

bool reproducible(const fs::path& file) {
  const std::string name = file.filename(), extension = file.extension();
  return name == "metrics.csv" || extension == ".safetensors" ||
         (extension == ".npy" && name.starts_with("samples")) ||
         *file.begin() == fs::path("figures") || *file.begin() == fs::path("draws");
}

void remove_run_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (is_run_file(entry.path().lexically_relative(folder))) files.push_back(entry.path());
  for (const fs::path& file : files) fs::remove_all(file);
}

void remove_half_written(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".partial") files.push_back(entry.path());
  for (const fs::path& file : files) fs::remove_all(file);
}

}  // namespace eqp
