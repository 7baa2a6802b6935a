#include "autodiff/safetensors.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <vector>

#include "tests/message.hpp"

using namespace eqp;
namespace fs = std::filesystem;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;

// A folder of this test's own, gone afterwards.
struct Folder {
  fs::path path = [] {
    std::string name = (fs::temp_directory_path() / "eqp-safetensors-XXXXXX").string();
    return fs::path(mkdtemp(name.data()));
  }();
  ~Folder() { fs::remove_all(path); }
  fs::path file() const { return path / "model.safetensors"; }
};

std::function<void(std::span<Real>)> values(std::vector<double> v) {
  return [v](std::span<Real> out) {
    std::ranges::transform(v, out.begin(), [](double x) { return Real(x); });
  };
}

// a (2, 2) and the scalar b.
struct Model {
  explicit Model(std::vector<double> a = {1, -2, 0.5, 0}, double b = 3) {
    params.add("a", {2, 2}, values(a));
    params.add("b", {}, values({b}));
  }
  std::vector<Real> all() const { return {params.values().begin(), params.values().end()}; }
  ad::Params params;
};

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

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

// A file put together by hand.
std::string file_of(const std::string& header, const std::string& bytes) {
  return raw(std::uint64_t(header.size())) + header + bytes;
}

// The model's header with entries in F32, and its 20 bytes of data.
const std::string kHeaderA = R"("a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
const std::string kHeaderB = R"("b":{"dtype":"F32","shape":[],"data_offsets":[16,20]})";
const std::string kHeader = "{" + kHeaderA + "," + kHeaderB + "}";
const std::string kData = data<float>({1, -2, 0.5, 0, 3});

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  BOOST_REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// What loading these bytes says; the model must stay as it was.
std::string complaint(const std::string& bytes) {
  const Folder folder;
  write(folder.file(), bytes);
  Model model({7, 8, 9, 10}, 11);
  const auto before = model.all();
  const auto version = model.params.version();
  const std::string message =
      test::refusal([&] { ad::load_safetensors(folder.file(), model.params); });
  BOOST_TEST(model.all() == before, boost::test_tools::per_element());
  BOOST_TEST(model.params.version() == version);
  BOOST_TEST(message.find('\n') == std::string::npos);
  BOOST_TEST(message.starts_with(folder.file().string() + ": "));
  return message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(a_small_file_has_exactly_the_bytes_of_the_format) {
  const Folder folder;
  ad::save_safetensors(folder.file(), Model().params, {{"seed", "7"}});
  std::string header =
      kDouble ? R"({"__metadata__":{"seed":"7"},"a":{"dtype":"F64","shape":[2,2],)"
                R"("data_offsets":[0,32]},"b":{"dtype":"F64","shape":[],"data_offsets":[32,40]}})"
              : R"({"__metadata__":{"seed":"7"},"a":{"dtype":"F32","shape":[2,2],)"
                R"("data_offsets":[0,16]},"b":{"dtype":"F32","shape":[],"data_offsets":[16,20]}})";
  BOOST_TEST(header.size() == 139u);
  header += "     ";
  // The length 144 and, say, 1.0f = 0x3f800000, little-endian, spelled out.
  const std::string length("\x90\0\0\0\0\0\0\0", 8);
  BOOST_TEST(read(folder.file()) == length + header + data<Real>({1, -2, 0.5, 0, 3}));
  BOOST_TEST(data<float>({1}) == std::string("\0\0\x80\x3f", 4));
}

BOOST_AUTO_TEST_CASE(what_is_saved_is_loaded_bit_for_bit) {
  const Folder folder;
  const Model saved({1.0 / 3, -0.0, 1e-30, 1e30}, 2.0 / 7);
  ad::save_safetensors(folder.file(), saved.params, {{"method", "pcd"}, {"seed", "7"}});
  Model loaded;
  const auto version = loaded.params.version();
  const auto metadata = ad::load_safetensors(folder.file(), loaded.params);
  BOOST_TEST(std::memcmp(loaded.all().data(), saved.all().data(), 5 * sizeof(Real)) == 0);
  BOOST_TEST((metadata == ad::Metadata{{"method", "pcd"}, {"seed", "7"}}));
  BOOST_TEST(loaded.params.version() > version);  // programs must notice
}

BOOST_AUTO_TEST_CASE(saving_replaces_a_file_and_leaves_no_other) {
  const Folder folder;
  write(folder.file(), std::string(1000, 'x'));
  ad::save_safetensors(folder.file(), Model().params);
  Model loaded({0, 0, 0, 0}, 0);
  BOOST_TEST(ad::load_safetensors(folder.file(), loaded.params).empty());
  BOOST_TEST(loaded.all() == Model().all(), boost::test_tools::per_element());
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path), {}) == 1);
}

BOOST_AUTO_TEST_CASE(a_failed_save_leaves_the_old_file_and_nothing_else) {
  const Folder folder;
  fs::create_directory(folder.file());  // a rename over a folder fails
  BOOST_CHECK_THROW(ad::save_safetensors(folder.file(), Model().params), std::runtime_error);
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path), {}) == 1);
  BOOST_CHECK_THROW(ad::save_safetensors(folder.path / "no" / "m", Model().params),
                    std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(tensors_are_found_by_name_in_any_order) {
  const Folder folder;
  const std::string header = R"({"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                             R"("a":{"shape":[2,2],"data_offsets":[4,20],"dtype":"F32"}})";
  write(folder.file(), file_of(header, data<float>({3, 1, -2, 0.5, 0})));
  Model model({0, 0, 0, 0}, 0);
  ad::load_safetensors(folder.file(), model.params);
  BOOST_TEST(model.all() == Model().all(), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_file_of_the_other_precision_is_widened_but_never_rounded) {
  const Folder folder;
  Model model({0, 0, 0, 0}, 0);
  if (kDouble) {
    write(folder.file(), file_of(kHeader, data<float>({1.0 / 3, -2, 0.5, 0, 3})));
    ad::load_safetensors(folder.file(), model.params);
    BOOST_TEST(model.all()[0] == double(float(1.0 / 3)));
    BOOST_TEST(model.all()[4] == 3);
  } else {
    const std::string header = R"({"a":{"dtype":"F64","shape":[2,2],"data_offsets":[0,32]},)"
                               R"("b":{"dtype":"F64","shape":[],"data_offsets":[32,40]}})";
    BOOST_TEST(contains(complaint(file_of(header, data<double>({1, 2, 3, 4, 5}))),
                        R"("a" has dtype "F64", expected F32)"));
  }
}

BOOST_AUTO_TEST_CASE(a_file_for_another_model_is_refused) {
  const auto with_header = [](const std::string& h) { return complaint(file_of(h, kData)); };
  BOOST_TEST(contains(with_header(replaced(kHeader, "\"a\"", "\"c\"")), R"(no tensor "a")"));
  BOOST_TEST(contains(with_header(replaced(kHeader, "[2,2]", "[4]")),
                      R"("a" has shape [4], expected (2, 2))"));
  BOOST_TEST(contains(with_header(replaced(kHeader, "[2,2]", "[1,1,2,1,2]")),
                      R"("a" has shape [1,1,2,1,2], expected (2, 2))"));
  BOOST_TEST(contains(with_header(replaced(kHeader, "F32", "I32")), R"(has dtype "I32")"));
  const std::string extra = R"(,"z\n":{"dtype":"F32","shape":[1],"data_offsets":[20,24]}})";
  BOOST_TEST(contains(complaint(file_of("{" + kHeaderA + "," + kHeaderB + extra, kData + "0123")),
                      R"(the tensor "z\n" has no counterpart)"));
}

BOOST_AUTO_TEST_CASE(a_file_cut_anywhere_is_refused) {
  const std::string whole = file_of(kHeader, kData);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    BOOST_TEST_CONTEXT("cut to " << n) { BOOST_TEST(!complaint(whole.substr(0, n)).empty()); }
  }
  BOOST_TEST(contains(complaint(whole.substr(0, 7)), "shorter than 8 bytes"));
  BOOST_TEST(contains(complaint(whole.substr(0, 20)), "is truncated: a header of"));
  BOOST_TEST(contains(complaint(whole.substr(0, whole.size() - 1)),
                      "is truncated: 19 of 20 bytes of data"));
  BOOST_TEST(contains(complaint(whole + "x"), "has 1 bytes after the last tensor"));
}

BOOST_AUTO_TEST_CASE(a_broken_header_is_refused) {
  const auto with = [](const std::string& from, const std::string& to) {
    return complaint(file_of(replaced(kHeader, from, to), kData));
  };
  const std::string malformed = R"(entry "a" is malformed)";
  BOOST_TEST(contains(complaint(file_of("[1, 2]", "")), "not a JSON object"));
  BOOST_TEST(contains(with("{\"a\"", "{\"a"), "not a JSON object"));
  BOOST_TEST(contains(with("\"shape\"", "\"sharp\""), malformed));
  BOOST_TEST(contains(with("[2,2]", "4"), malformed));
  BOOST_TEST(contains(with("[2,2]", "[-2,-2]"), malformed));
  BOOST_TEST(contains(with("[2,2]", "[2.5,2]"), malformed));
  BOOST_TEST(contains(with("[0,16]", "[0]"), malformed));
  BOOST_TEST(contains(with("[0,16]", "{\"0\":0,\"1\":16}"), malformed));
  BOOST_TEST(contains(with("\"F32\"", "32"), malformed));
  BOOST_TEST(contains(complaint(file_of(R"({"__metadata__":{"a":1}})", "")),
                      R"(entry "__metadata__" is malformed)"));
  BOOST_TEST(contains(complaint(raw(std::uint64_t(1) << 63) + kHeader),
                      "a header of 9223372036854775808 bytes"));
}

BOOST_AUTO_TEST_CASE(offsets_that_overlap_leave_gaps_or_disagree_are_refused) {
  const auto with = [](const std::string& from, const std::string& to,
                       const std::string& bytes = kData) {
    return complaint(file_of(replaced(kHeader, from, to), bytes));
  };
  BOOST_TEST(contains(with("[16,20]", "[12,16]"), R"("b" begins at byte 12 of the data)"));
  BOOST_TEST(contains(with("[16,20]", "[20,24]", kData + "0123"), R"("b" begins at byte 20)"));
  BOOST_TEST(contains(with("[0,16]", "[0,12]"), "[0, 12], expected 16 bytes"));
  BOOST_TEST(contains(with("[0,16]", "[16,0]"), "[16, 0], expected 16 bytes"));
  BOOST_TEST(contains(with("[2,2]", "[4294967296,4294967296]"), "overflows"));
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused) {
  const Folder folder;
  Model model;
  BOOST_CHECK_THROW(ad::load_safetensors(folder.file(), model.params), std::invalid_argument);
  BOOST_CHECK_THROW(ad::load_safetensors(folder.path, model.params), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
