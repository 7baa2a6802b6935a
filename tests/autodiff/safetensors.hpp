#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

#include "autodiff/safetensors.hpp"
#include "tests/message.hpp"

// A small model, and files put together by hand.
namespace eqp::ad::test {

namespace fs = std::filesystem;

/// A folder of this test's own, gone afterwards.
struct Folder {
  fs::path path = [] {
    std::string name = (fs::temp_directory_path() / "eqp-safetensors-XXXXXX").string();
    return fs::path(mkdtemp(name.data()));
  }();
  ~Folder() { fs::remove_all(path); }
  fs::path file() const { return path / "model.safetensors"; }
};

inline std::function<void(std::span<Real>)> values(std::vector<double> v) {
  return [v](std::span<Real> out) {
    std::ranges::transform(v, out.begin(), [](double x) { return Real(x); });
  };
}

/// a (2, 2) and the scalar b.
struct Model {
  explicit Model(std::vector<double> a = {1, -2, 0.5, 0}, double b = 3) {
    params.add("a", {2, 2}, values(a));
    params.add("b", {}, values({b}));
  }
  std::vector<Real> all() const { return {params.values().begin(), params.values().end()}; }
  Params params;
};

template <class T>
std::string raw(const T& v) {
  std::string bytes(sizeof v, '\0');
  std::memcpy(bytes.data(), &v, sizeof v);
  return bytes;
}

template <class T>
std::string data(const std::vector<double>& v) {
  std::string bytes;
  for (double x : v) bytes += raw(T(x));
  return bytes;
}

/// A file put together by hand.
inline std::string file_of(const std::string& header, const std::string& bytes) {
  return raw(std::uint64_t(header.size())) + header + bytes;
}

/// The model's header with entries in F32, and its 20 bytes of data.
inline const std::string kHeaderA = R"("a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
inline const std::string kHeaderB = R"("b":{"dtype":"F32","shape":[],"data_offsets":[16,20]})";
inline const std::string kHeader = "{" + kHeaderA + "," + kHeaderB + "}";
inline const std::string kData = data<float>({1, -2, 0.5, 0, 3});

inline void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  BOOST_REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// What loading these bytes says; the model must stay as it was.
inline std::string complaint(const std::string& bytes) {
  const Folder folder;
  write(folder.file(), bytes);
  Model model({7, 8, 9, 10}, 11);
  const auto before = model.all();
  const auto version = model.params.version();
  const std::string message =
      eqp::test::refusal([&] { load_safetensors(folder.file(), model.params); });
  BOOST_TEST(model.all() == before, boost::test_tools::per_element());
  BOOST_TEST(model.params.version() == version);
  BOOST_TEST(message.find('\n') == std::string::npos);
  BOOST_TEST(message.starts_with(folder.file().string() + ": "));
  return message;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace eqp::ad::test
