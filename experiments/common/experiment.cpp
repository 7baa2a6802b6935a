#include "experiments/common/experiment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "autodiff/parallel.hpp"
#include "autodiff/profile.hpp"
#include "autodiff/ranks.hpp"
#include "experiments/common/build_info.hpp"
#include "experiments/common/interrupt.hpp"

namespace eqp {
namespace {

constexpr int kInterrupted = 75;

/// Replaces this process by the other precision's executable, which lies beside this one.
[[noreturn]] void switch_precision(const Cli& cli, char** argv) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const auto sibling = self.parent_path() / (cli.experiment() + "_" + cli.precision());
  if (ad::n_ranks() > 1) {
    throw std::invalid_argument("--precision " + cli.precision() + ": of several ranks each must " +
                                "be started as " + sibling.string());
  }
  execv(sibling.c_str(), argv);
  throw std::invalid_argument("--precision " + cli.precision() + ": " + sibling.string() +
                              " is not built; ./run " + cli.experiment() + " --precision " +
                              cli.precision() + " builds and runs it");
}

/// Prints the profile, also to profile.txt in the folder if the run made one.
void report(const ad::Profile& profile, const std::filesystem::path& folder, bool made) {
  std::ostringstream text;
  profile.print(text);
  std::cout << '\n' << text.str();
  if (!made) return;
  const auto temporary = folder / "profile.txt.partial";
  std::ofstream out(temporary);
  out << text.str() << std::flush;
  if (!out) throw std::runtime_error((folder / "profile.txt").string() + ": cannot be written");
  std::filesystem::rename(temporary, folder / "profile.txt");
}

/// What one rank computes is taken for what all compute: throws std::invalid_argument unless all
/// run the same build on the same kind of processor with the same arguments.
void require_equal_ranks(int argc, char** argv) {
  std::ostringstream text;
  text << build_commit() << ", " << build_precision() << ", " << build_compiler() << ", "
       << build_flags() << ", on " << cpu_model() << ":";
  for (int i = 0; i < argc; ++i) text << ' ' << argv[i];
  const std::string own = text.str();
  const std::vector<std::string> all = ad::gather(own);
  for (std::size_t r = 1; r < all.size(); ++r) {
    if (all[r] == all[0]) continue;
    throw std::invalid_argument("rank " + std::to_string(r) + " runs " + all[r] +
                                "; need what rank 0 runs: " + all[0]);
  }
}

/// 0: one per core. The ranks on one machine share its cores.
std::size_t threads(const Cli& cli) {
  if (cli.threads() > 0 || ad::n_ranks_here() == 1) return cli.threads();
  return std::max<std::size_t>(std::thread::hardware_concurrency() / ad::n_ranks_here(), 1);
}

int run(int argc, char** argv, const std::string& about, const std::function<void(Cli&)>& body) {
  Cli cli(argc, argv, about);
  if (cli.precision() != build_precision()) switch_precision(cli, argv);
  const InterruptScope scope;
  const bool was_there = std::filesystem::exists(cli.out());
  {
    std::optional<ad::Profile> profile;
    if (cli.profile()) profile.emplace();
    ad::with_threads(threads(cli), [&] {
      body(cli);
      return 0;
    });
    const bool made = std::filesystem::exists(cli.out()) && (!was_there || cli.overwrite());
    if (profile && ad::rank() == 0) report(*profile, cli.out(), made);
  }
  if (!interrupted()) return 0;
  if (ad::rank() != 0) return kInterrupted;
  const bool wrote = std::filesystem::exists(cli.out());
  std::cerr << "interrupted: "
            << (wrote ? cli.out().string() + " holds what was done; --resume goes on from there"
                      : "nothing was written")
            << '\n';
  return kInterrupted;
}

}  // namespace

int experiment(int argc, char** argv, const std::string& about,
               const std::function<void(Cli&)>& body) {
  const auto fail = [&](const char* what, int code) {
    if (!ad::is_ours_to_say(what)) return code;
    std::string name = std::filesystem::path(argv[0]).filename();
    if (name.ends_with("_f32") || name.ends_with("_f64")) name.resize(name.size() - 4);
    std::cerr << name << ": " << what << '\n';
    return code;
  };
  std::optional<ad::RankScope> ranks;
  try {
    ranks.emplace();
    // What the others print would be the same lines again.
    if (ad::rank() != 0 && !std::freopen("/dev/null", "w", stdout))
      std::cout.setstate(std::ios::badbit);
    require_equal_ranks(argc, argv);
    return run(argc, argv, about, body);
  } catch (const NothingToRun& nothing) {
    std::cout << nothing.text;
    return 0;
  } catch (const std::invalid_argument& error) {
    return fail(error.what(), 2);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

}  // namespace eqp
