#pragma once

#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

// Files that a test writes for a reader.
namespace eqp::train {

/// A folder that vanishes with its contents.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("eqp_train_" + std::to_string(std::uintptr_t(this)));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::filesystem::path file(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};

inline std::string gzipped(const std::string& text) {
  std::istringstream plain(text);
  std::ostringstream out;
  boost::iostreams::filtering_istream in;
  in.push(boost::iostreams::gzip_compressor());
  in.push(plain);
  out << in.rdbuf();
  return out.str();
}

}  // namespace eqp::train
