#include "tests/autodiff/safetensors.hpp"

using namespace eqp;
using namespace eqp::ad::test;

namespace {

constexpr bool kDouble = sizeof(Real) == 8;

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
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

BOOST_AUTO_TEST_SUITE_END()
