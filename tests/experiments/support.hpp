#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <vector>

#include "experiments/common/cli.hpp"

namespace eqp::test {

namespace fs = std::filesystem;

/// An empty folder that is gone when this is.
struct Scratch {
  Scratch() : path(fs::temp_directory_path() / "eqp-test-XXXXXX") {
    std::string name = path;
    path = mkdtemp(name.data());
  }
  ~Scratch() { fs::remove_all(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  fs::path path;
};

inline std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

/// A command line of an experiment called demo.
struct Arguments {
  Arguments(std::initializer_list<std::string> list) : words(list) {
    words.insert(words.begin(), "bin/demo_f32");
    for (std::string& word : words) argv.push_back(word.data());
  }
  int argc() const { return static_cast<int>(argv.size()); }

  std::vector<std::string> words;
  std::vector<char*> argv;
};

}  // namespace eqp::test
